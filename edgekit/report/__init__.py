"""The page that shows why: one self-contained HTML file with every figure, its interval and how it was measured."""
