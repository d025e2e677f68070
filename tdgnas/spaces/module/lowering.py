"""From a module with choices to nodes: what does not depend on a choice becomes as few operations as there can be."""

from __future__ import annotations

import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, fx, nn

from ...choices import Choice, Depth, Element, Gate, Growing, Inputs
from ...decision import Decision
from ...descent import in_mode
from ...devices import own_noise
from ...graphs import INPUT, Condition, Node, Op, Term, on
from .exporting import exported
from .pieces import Held, operation, piece


def has_choices(module: nn.Module) -> bool:
    """Whether something in a module is left open."""
    return any(isinstance(part, Element) for part in module.modules())


def _is_part(module: nn.Module) -> bool:
    """Whether a module is taken as a whole, whatever is inside it; only modules with choices are looked into."""
    return isinstance(module, Element) or not has_choices(module)


class _Tracer(fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return _is_part(m)


class Lowering:
    """Nodes and decisions of a model, made by running it once.

    :param model: in evaluation mode.
    :param example: a batch of inputs.
    :param own_weights: whether operations keep the model's weights.
    :param origin: what tells the model's operations from those of others.
    :ivar nodes: nodes, the output last.
    :ivar decisions: in the order in which the model uses them.
    :raises ValueError: for a model without choices, with weights tied across choices, or one that cannot be traced.
    """

    def __init__(self, model: nn.Module, example: Tensor, own_weights: bool, origin: Hashable) -> None:
        self.own_weights, self.origin = own_weights, origin
        self.nodes: list[Node] = []
        self.decisions: list[Decision] = []
        self._numbers: dict[Element, int] = {}
        self._ops: dict[nn.Module, Op] = {}
        self._names: Counter[str] = Counter()
        self._values: dict[str, Tensor] = {INPUT: example}
        if not has_choices(model):
            raise ValueError(
                f"{type(model).__name__} has no choices: put tdgnas.choice, gate, inputs, repeat, kernel or channels "
                "where something is left open"
            )
        with torch.no_grad():
            for inputs in (example.clone(), torch.cat([example, example[:1]])):
                try:
                    model(inputs)
                except Exception as error:
                    raise ValueError(
                        f"{type(model).__name__} does not run on {len(inputs)} inputs of shape "
                        f"{tuple(example.shape[1:])}: {error}"
                    ) from error
            output = self._module(model, "", [INPUT])
        if not self.nodes or self.nodes[-1].name != output or not self.nodes[-1].ops:
            self._node(
                "output",
                [Term(output, operation("output", Held(self.origin, nn.Identity())))],
                self._values[output],
            )
        self._refuse_tied(model)
        unused = [
            n for n, one in model.named_modules() if isinstance(one, Element) and one not in self._numbers
        ]
        if unused:
            warnings.warn(
                f"{type(model).__name__} never calls its {' and '.join(map(repr, unused))}: no decision about it",
                stacklevel=4,
            )

    def _refuse_tied(self, model: nn.Module) -> None:
        """Operations are copies, each with weights of its own."""
        owners: dict[nn.Parameter, str] = {}
        for part, op in self._ops.items():
            for weight in part.parameters():
                if owners.setdefault(weight, op.name) != op.name:
                    names = [n for n, own in model.named_parameters(remove_duplicate=False) if own is weight]
                    raise ValueError(
                        f"{' and '.join(map(repr, names))} are one parameter, in {owners[weight]!r} and {op.name!r}, "
                        "which become two operations with weights of their own; put what uses it into one submodule "
                        "without choices, or give each a parameter"
                    )

    def _node(self, place: str, terms: Sequence[Term], value: Tensor, post: Op | None = None) -> str:
        name = place.replace(".", "/") or "model"
        self._names[name] += 1
        name = name if self._names[name] == 1 else f"{name}#{self._names[name]}"
        if not isinstance(value, Tensor) or len(value) != len(self._values[INPUT]):
            raise ValueError(
                f"the value of {place!r} is {_shaped(value)}; what depends on a choice, or is one's input, has to be a "
                f"tensor with the batch (here {len(self._values[INPUT])}) in its first dimension"
            )
        self.nodes.append(Node(name, tuple(terms), post, "sum" if post is None else "call"))
        self._values[name] = value
        return name

    def _term(
        self, module: nn.Module, place: str, source: str, when: tuple[Condition, ...] | Condition = ()
    ) -> Term:
        if isinstance(module, nn.Identity):
            return Term(source, None, when)
        if has_choices(module):
            return Term(self._module(module, place, [source]), None, when)
        if any(_changed(module, [self._values[source]])):
            raise ValueError(f"{place!r} has an input that it {_IN_PLACE}")
        return Term(source, self._operation(place, module), when)

    def _operation(self, place: str, module: nn.Module) -> Op:
        """The operation of a module, the same one wherever it is called."""
        if module not in self._ops:
            self._ops[module] = operation(place, Held(self.origin, module, self.own_weights))
        return self._ops[module]

    def _module(self, module: nn.Module, place: str, sources: list[str]) -> str:
        """Add the nodes of a module with choices; return the name of its value."""
        if not isinstance(module, Element):
            return self._traced(module, place, sources)
        values = [self._values[source].clone() for source in sources]
        value = module(values) if isinstance(module, Inputs) else module(*values)
        if module not in self._numbers:
            self._numbers[module] = len(self.decisions)
            label = module.label or place or type(module).__name__.lower()
            self.decisions.append(Decision(label, module.choices, binary=isinstance(module, Gate)))
        return self._node(place, self._terms(module, place, sources), value)

    def _terms(self, module: Element, place: str, sources: list[str]) -> list[Term]:
        number, source = self._numbers[module], sources[0]
        last = len(module.choices)
        if isinstance(module, Inputs):
            using = [
                [n for n, chosen in enumerate(module.sets) if each in chosen] for each in range(module.n)
            ]
            return [Term(one, None, on(number, *own)) for one, own in zip(sources, using, strict=True)]
        if isinstance(module, Gate):
            return [self._term(module.module, f"{place}.module", source, on(number))]
        if isinstance(module, Choice):
            options = list(module.options.items())
            return [
                self._term(part, f"{place}.options.{name}", source, on(number, n))
                for n, (name, part) in enumerate(options)
            ]
        if isinstance(module, Growing):
            return [
                self._term(part, f"{place}.parts.{n}", source, on(number, *range(n, last)) if n else ())
                for n, part in enumerate(module.parts)
            ]
        assert isinstance(module, Depth)
        ends = [source]
        for n, block in enumerate(module.blocks):
            value = block(self._values[ends[-1]].clone())
            where = f"{place}.blocks.{n}"
            ends.append(
                self._module(block, where, [ends[-1]])
                if has_choices(block)
                else self._node(where, [self._term(block, where, ends[-1])], value)
            )
        return [Term(end, None, on(number, n)) for n, end in enumerate(ends[module.low :])]

    # what is not itself a choice ---------------------------------------------------------------------------------

    def _traced(self, module: nn.Module, place: str, sources: list[str]) -> str:
        values = [self._values[source] for source in sources]
        if not _same_in_training(module):
            raise ValueError(
                f"{type(module).__name__} does something else where self.training holds, and is followed in evaluation "
                "mode; put that into a submodule without choices, such as nn.Dropout for functional.dropout"
            )
        traced, run = _followed(module, values)
        graph = traced.graph
        placeholders = [node for node in graph.nodes if node.op == "placeholder"]
        result = next(node for node in graph.nodes if node.op == "output").args[0]
        if not isinstance(result, fx.Node):
            raise ValueError(f"{type(module).__name__} returns {result!r}; a network gives one tensor")
        names: dict[fx.Node, str] = dict(zip(placeholders, sources, strict=False))
        cuts = _cuts(graph, traced, set(run.tensors), result)
        for node in graph.nodes:
            if node not in cuts or node in names:
                continue
            where = f"{place}.{node.target if node.op == 'call_module' else node.name}".strip(".")
            part = traced.get_submodule(node.target) if node.op == "call_module" else None
            if isinstance(part, Element):
                given = node.args[0] if isinstance(part, Inputs) else node.args
                if node.kwargs or not all(isinstance(each, fx.Node) and each in names for each in given):
                    raise ValueError(
                        f"{where!r} is a choice and takes {_asked(part)}; it is called with {node.args}"
                    )
                names[node] = self._module(part, where, [names[each] for each in given])
                continue
            body, inputs = _body(node, cuts)
            held = part if part is not None and len(body) == 1 else piece(traced, body, inputs)
            changed = _changed(held, [self._values[names[each]] for each in inputs])
            if any(changed):
                if place and {*placeholders} & {
                    each for each, own in zip(inputs, changed, strict=True) if own
                }:
                    raise ValueError(f"{place!r} has an input that it {_IN_PLACE}")
                held = piece(traced, body, inputs, clone=True)
            op = self._operation(where, held)
            value = run.tensors[node]
            if len(inputs) == 1:
                names[node] = self._node(where, [Term(names[inputs[0]], op)], value)
            else:
                names[node] = self._node(where, [Term(names[each]) for each in inputs], value, op)
        return names[result]


_IN_PLACE = (
    "changes in place, where others may read it; let it make a new tensor, such as x = x * 2 for x.mul_(2)"
)


def _changed(module: nn.Module, values: Sequence[Tensor]) -> list[bool]:
    """Tell which of its inputs a module changes in place."""
    copies = [value.clone() for value in values]
    with own_noise(0):
        module(*copies)
    return [copy._version > 0 for copy in copies]


def _followed(module: nn.Module, values: Sequence[Tensor]) -> tuple[fx.GraphModule, _Run]:
    """Return the lines of a module as a graph, and a run of it that gives what the module gives.

    :raises ValueError: when neither torch.fx nor torch.export can follow them.
    """
    with own_noise(0):
        own = module(*[value.clone() for value in values])
    failures: list[Exception] = []
    for follow in (_by_fx, exported):
        try:
            traced = follow(module, [value.clone() for value in values], _is_part)
            run = _Run(traced)
            with own_noise(0):
                found = run.run(*[value.clone() for value in values])
            if not isinstance(own, Tensor) or torch.allclose(found, own, 0, 0, equal_nan=True):
                return traced, run
            failures.append(ValueError("what was traced computes something else"))
        except Exception as error:
            failures.append(error)
    raise ValueError(_untraceable(module, failures)) from failures[-1]


def _by_fx(
    module: nn.Module, values: Sequence[Tensor], is_part: Callable[[nn.Module], bool]
) -> fx.GraphModule:
    graph = _Tracer().trace(module)
    if any(str(node.target).startswith("*") for node in graph.nodes if node.op == "placeholder"):
        raise TypeError("it takes any number of values")
    return fx.GraphModule(module, graph)


def _same_in_training(module: nn.Module) -> bool:
    """Whether its own lines are the same in both modes, as far as torch.fx can follow them."""
    try:
        lines = str(_Tracer().trace(module))
        with in_mode(module, True):
            return str(_Tracer().trace(module)) == lines
    except Exception:
        return True


class _Run(fx.Interpreter):
    """Runs a traced module once and keeps its tensors that have a first dimension."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.tensors: dict[fx.Node, Tensor] = {}
        self.versions: dict[fx.Node, int] = {}

    def run_node(self, n: fx.Node) -> Any:
        # What changes a tensor in place gives no value that the next line reads: it would get lost.
        for each in n.all_input_nodes:
            if each in self.tensors and self.tensors[each]._version != self.versions[each]:
                raise ValueError(f"{n.name!r} reads {each.name!r}, which another line {_IN_PLACE}")
        found = super().run_node(n)
        if isinstance(found, Tensor) and n.op not in ("get_attr", "output"):
            self.tensors[n], self.versions[n] = found, found._version
        return found


def _cuts(graph: fx.Graph, module: nn.Module, tensors: set[fx.Node], result: fx.Node) -> set[fx.Node]:
    """Return the values that have to be nodes: inputs and outputs of choices, the result, layers that are called
    twice, and whatever two of these need."""
    calls = Counter(node.target for node in graph.nodes if node.op == "call_module")
    depends = {node for node in graph.nodes if node.op == "placeholder"}
    cuts = {*depends, result}
    for node in graph.nodes:
        if depends & set(node.all_input_nodes):
            depends.add(node)
        part = module.get_submodule(str(node.target)) if node.op == "call_module" else None
        again = part is not None and calls[node.target] > 1 and any(True for _ in part.parameters())
        if again or isinstance(part, Element):
            cuts |= {node, *node.all_input_nodes}
    owners: dict[fx.Node, set[fx.Node]] = {}
    for node in reversed(graph.nodes):
        own = {node} if node in cuts else set().union(*(owners[user] for user in node.users))
        if len(own) > 1 and node in depends and node in tensors:
            cuts.add(node)
            own = {node}
        if len(own) > 1 and node.op == "get_attr":
            raise ValueError(
                f"the parameter {node.target!r} is used on both sides of a choice; put what uses it into one submodule "
                "without choices"
            )
        owners[node] = own
    return cuts


def _body(node: fx.Node, cuts: set[fx.Node]) -> tuple[list[fx.Node], list[fx.Node]]:
    """Return the nodes that compute a value from those that are cut before it, and these, in the order of the graph."""
    body, inputs, stack = {node}, set(), [node]
    while stack:
        for each in stack.pop().all_input_nodes:
            if each in cuts:
                inputs.add(each)
            elif each not in body:
                body.add(each)
                stack.append(each)
    order = [each for each in node.graph.nodes if each in body or each in inputs]
    return [each for each in order if each in body], [each for each in order if each in inputs]


def _asked(part: Element) -> str:
    return f"a list of {part.n} tensors" if isinstance(part, Inputs) else "one tensor"


def _shaped(value: Any) -> str:
    return f"of shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"


def _untraceable(module: nn.Module, errors: Sequence[Exception]) -> str:
    """Say which line of the user's code cannot be traced, and what to do."""
    frames = [
        frame for error in errors for frame in traceback.extract_tb(error.__traceback__) if _is_users(frame)
    ]
    where = f" at {frames[-1].filename}:{frames[-1].lineno}, `{frames[-1].line}`" if frames else ""
    said = (str(errors[0]).splitlines() or [type(errors[0]).__name__])[0]
    if "specialized" in str(errors[-1]):
        said += ", and the size of the batch becomes a constant, as by len(x): write x.shape[0]"
    return (
        f"{type(module).__name__} cannot be traced{where}: {said}. What holds choices must do the same whatever the "
        "values of its tensors are; put lines that depend on values into a submodule without choices: it is taken whole"
    )


def _is_users(frame: traceback.FrameSummary) -> bool:
    own = (Path(torch.__file__).parent, Path(__file__).parents[2], Path(traceback.__file__).parent)
    path = Path(frame.filename)
    return path.parent != own[2] and not any(place in path.parents for place in own[:2])
