"""A model file of ONNX whose products of matrices are made of integers.

The bundled model keeps its weights as 8-bit integers and turns them into floats before it multiplies. Here each product
``MatMul(x, Mul(Cast(w), scale))`` becomes one of integers: ``x`` is quantised as it comes (DynamicQuantizeLinear),
multiplied by ``w`` (MatMulInteger), and the result is scaled. That is what onnxruntime's own dynamic quantisation
makes, but it needs the package onnx; the file is read and written here as what it is, a message of protocol buffers.
"""

from collections.abc import Iterator

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
"""Wire types of fields."""

_GRAPH = 7
"""Field of a model."""
_NODE = 1
"""Field of a graph."""
_INPUT, _OUTPUT, _OPERATOR, _ATTRIBUTE = 1, 2, 4, 5
"""Fields of a node."""

_FLOAT = 1
"""An element type."""
_INT = 2
"""The type of an attribute."""

Field = tuple[int, int, bytes | int]
"""Number, wire type and value."""


def with_integer_activations(model: bytes) -> bytes:
    """The model with products of integers, where weights are made of integers."""
    return b"".join(
        _write(number, _BYTES, _rewrite(value)) if number == _GRAPH and isinstance(value, bytes) else _write(*field)
        for field in _fields(model)
        for number, _, value in [field]
    )


def _rewrite(graph: bytes) -> bytes:
    parts = list(_fields(graph))
    nodes = [_Node(value) for number, _, value in parts if number == _NODE and isinstance(value, bytes)]
    made_by = {node.output: node for node in nodes}
    weights = {}
    for node in nodes:
        scaled = made_by.get(node.inputs[1]) if node.operator == "MatMul" else None
        cast = made_by.get(scaled.inputs[0]) if scaled is not None and scaled.operator == "Mul" else None
        if scaled is not None and cast is not None and cast.operator == "Cast":
            weights[scaled.output] = (cast, scaled.inputs[1])
    unused = set(weights) | {cast.output for cast, _ in weights.values()}
    quantised: set[str] = set()
    written = []
    for number, wire, value in parts:
        if number != _NODE or not isinstance(value, bytes):
            written.append(_write(number, wire, value))
            continue
        node = _Node(value)
        if node.operator == "MatMul" and node.inputs[1] in weights:
            cast, scale = weights[node.inputs[1]]
            written += _product_of_integers(node, cast.inputs[0], scale, is_quantised=node.inputs[0] in quantised)
            quantised.add(node.inputs[0])
        elif node.output not in unused:
            written.append(_write(number, wire, value))
    return b"".join(written)


def _product_of_integers(product: "_Node", weights: str, scale: str, *, is_quantised: bool) -> list[bytes]:
    """The nodes that stand for a product.

    Args:
        is_quantised: True where another product has the same input, which is quantised once.
    """
    x, result = product.inputs[0], product.output
    to_float = _write(1, _BYTES, b"to") + _write(3, _VARINT, _FLOAT) + _write(20, _VARINT, _INT)
    nodes = [
        _node("MatMulInteger", [f"{x}_q", weights, f"{x}_zero"], [f"{result}_q"]),
        _node("Cast", [f"{result}_q"], [f"{result}_f"], _write(_ATTRIBUTE, _BYTES, to_float)),
        _node("Mul", [f"{x}_scale", scale], [f"{result}_scale"]),
        _node("Mul", [f"{result}_f", f"{result}_scale"], [result]),
    ]
    if is_quantised:
        return nodes
    return [_node("DynamicQuantizeLinear", [x], [f"{x}_q", f"{x}_scale", f"{x}_zero"]), *nodes]


class _Node:
    """An operation of a graph."""

    def __init__(self, content: bytes) -> None:
        texts = [(number, value.decode()) for number, _, value in _fields(content)
                 if number in (_INPUT, _OUTPUT, _OPERATOR) and isinstance(value, bytes)]  # fmt: skip
        self.inputs = [text for number, text in texts if number == _INPUT]
        self.output = next(text for number, text in texts if number == _OUTPUT)
        self.operator = next(text for number, text in texts if number == _OPERATOR)


def _node(operator: str, inputs: list[str], outputs: list[str], attribute: bytes = b"") -> bytes:
    names = [*((_INPUT, name) for name in inputs), *((_OUTPUT, name) for name in outputs), (_OPERATOR, operator)]
    content = b"".join(_write(number, _BYTES, name.encode()) for number, name in names) + attribute
    return _write(_NODE, _BYTES, content)


def _fields(message: bytes) -> Iterator[Field]:
    """The fields of a message, in their order."""
    place = 0
    while place < len(message):
        key, place = _read_varint(message, place)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, place = _read_varint(message, place)
            yield number, wire, value
            continue
        length, place = _read_varint(message, place) if wire == _BYTES else ({_FIXED32: 4, _FIXED64: 8}[wire], place)
        yield number, wire, message[place : place + length]
        place += length


def _read_varint(message: bytes, place: int) -> tuple[int, int]:
    """A number, and the place after it."""
    value = shift = 0
    while True:
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, place


def _write(number: int, wire: int, value: bytes | int) -> bytes:
    key = _varint(number << 3 | wire)
    if isinstance(value, int):
        return key + _varint(value)
    return key + _varint(len(value)) + value if wire == _BYTES else key + value


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])
