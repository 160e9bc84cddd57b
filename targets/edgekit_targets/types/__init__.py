"""The frozen result types that every room shares. They import nothing but each other."""
