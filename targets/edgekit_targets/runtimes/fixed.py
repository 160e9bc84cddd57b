"""A model loaded for exactly the shapes that are measured, and once more where others are asked for.

What is timed and weighed is what an application gets that always feeds the same shape. Golden samples and evaluations
may have others: those run on a second session, which is opened when it is needed and let go of afterwards, and which
no figure comes from. Its shapes are free, or, on hardware that needs them fixed, fixed anew for each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from edgekit_targets.errors import InputError
from edgekit_targets.runtimes.carried import fed, input_shapes
from edgekit_targets.runtimes.contract import Array, Session, Shapes
from edgekit_targets.types.manifest import State, Tensor
from edgekit_targets.types.session import SessionFacts

Make = Callable[[Shapes | None, str | None], Session]
"""Opens a session for exactly these shapes, or for any, with the reason why those are free among its facts."""


class Fixed:
    """Two sessions of one file behind the contract of one; see the module."""

    def __init__(self, session: Session, shapes: Shapes, make: Make, *, anew: bool = False) -> None:
        """Use ``session`` for inputs of ``shapes``; for others what ``make`` opens, fixed ``anew`` or free."""
        self.inputs: tuple[Tensor, ...] = session.inputs
        self.outputs: tuple[Tensor, ...] = session.outputs
        self._fixed = session
        self._shapes = shapes
        self._make = make
        self._anew = anew
        self._other: Session | None = None
        self._other_shapes: Shapes | None = None
        self._bound = session

    @property
    def run(self) -> Callable[[], object]:
        """That of the session that was bound last, bare."""
        return self._bound.run

    @property
    def facts(self) -> SessionFacts:
        """Those of the session with the fixed shapes."""
        return self._fixed.facts

    def bind(self, feeds: Mapping[str, Array], states: Sequence[State] = ()) -> None:
        """Bind in the session that takes these shapes."""
        given = {tensor.name: feeds[tensor.name].shape for tensor in fed(self.inputs, states)}
        if all(self._shapes.get(name) == shape for name, shape in given.items()):
            self._let_go()
            self._bound = self._fixed
        else:
            self._bound = self._opened(input_shapes(self.inputs, states, given) if self._anew else None)
        self._bound.bind(feeds, states)

    def write(self, feeds: Mapping[str, Array]) -> None:
        """Overwrite what is bound."""
        self._bound.write(feeds)

    def synchronise(self) -> None:
        """Wait until the device is done."""
        self._bound.synchronise()

    def reset(self) -> None:
        """Give every carried state its initial value."""
        self._bound.reset()

    def read(self) -> dict[str, Array]:
        """Copies of the outputs of the last inference."""
        return self._bound.read()

    def close(self) -> None:
        """Let go of both."""
        self._let_go()
        self._fixed.close()

    def _opened(self, shapes: Shapes | None) -> Session:
        if self._other is None or self._other_shapes != shapes:
            self._let_go()
            self._other, self._other_shapes = self._make(shapes, None), shapes
        return self._other

    def _let_go(self) -> None:
        if self._other is not None:
            self._other.close()
            self._other = None


def open_fixed(make: Make, shapes: Shapes | None, *, always: bool = False, anew: bool = False) -> Session:
    """What ``make`` opens for ``shapes``; where the runtime refuses them, what it opens without, and why.

    With ``always`` the hardware takes no free shapes, so there is nothing to fall back to. With ``anew`` it takes them
    of some models only, so other shapes than these are fixed too.

    Raises:
        InputError: the runtime cannot load the file either way.
    """
    if not shapes:
        return make(None, None)
    try:
        return Fixed(make(shapes, None), shapes, make, anew=anew or always)
    except InputError as error:
        if always:
            raise
        refused = f"the shapes could not be fixed, so they are free, and the attempt is part of its loading: {error}"
    return make(None, refused)
