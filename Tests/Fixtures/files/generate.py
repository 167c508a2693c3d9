"""Writes the weight files that FilesTests reads.

Versions: torch 2.13.0+cpu, safetensors 0.8.0, numpy 2.4.6, Python 3.11.
Run: python generate.py (in this folder).
"""

import collections
import json
import os
import pickle
import struct
import sys
import types
import zipfile

import numpy as np
import torch
from safetensors.torch import save_file

here = os.path.dirname(os.path.abspath(__file__))


def path(name):
    return os.path.join(here, name)


def values():
    """One tensor a dtype, and the shapes that are easily forgotten."""
    return {
        "float32": torch.tensor([[1.5, -2.0, 3.25], [0.0, float("inf"), -1e-30]]),
        "float16": torch.tensor([0.5, -65504.0], dtype=torch.float16),
        "bfloat16": torch.tensor([1.0, 3.140625], dtype=torch.bfloat16),
        "float64": torch.tensor([[0.1]], dtype=torch.float64),
        "int64": torch.tensor([-1, 2**62], dtype=torch.int64),
        "int32": torch.tensor([-7, 2**31 - 1], dtype=torch.int32),
        "int16": torch.tensor([-300], dtype=torch.int16),
        "int8": torch.tensor([-128, 127], dtype=torch.int8),
        "uint8": torch.tensor([0, 255, 7], dtype=torch.uint8),
        "bool": torch.tensor([True, False, True]),
        "scalar": torch.tensor(42.0),
        "empty": torch.zeros(0, 3),
        "größe 🌙": torch.arange(4, dtype=torch.int32).reshape(1, 2, 2),
    }


# safetensors -------------------------------------------------------------------------------------------------------
save_file(values(), path("types.safetensors"), metadata={"format": 'p"t\\\n\x01é'})
save_file({}, path("none.safetensors"))
save_file({"x": torch.zeros(4).to(torch.float8_e4m3fn)}, path("float8.safetensors"))

# .pt ---------------------------------------------------------------------------------------------------------------
base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
strided = {
    "whole": base,
    "transposed": base.t(),
    "columns": base[1:3, 1::2],
    "row": base[2],
    "expanded": torch.tensor([[7.0]]).expand(2, 3),
    "parameter": torch.nn.Parameter(torch.tensor([1.0, 2.0])),
    "nothing": base[:0],
}
torch.save(values(), path("types.pt"))
torch.save(strided, path("strided.pt"))
torch.save(strided, path("strided-legacy.pt"), _use_new_zipfile_serialization=False)
torch.save(
    strided, path("protocol4-legacy.pt"), pickle_protocol=4, _use_new_zipfile_serialization=False)
torch.save(values(), path("types-legacy.pt"), _use_new_zipfile_serialization=False)
for protocol in (3, 4, 5):
    torch.save(strided, path(f"protocol{protocol}.pt"), pickle_protocol=protocol)
torch.save({"x": torch.zeros(2, dtype=torch.complex64)}, path("complex.pt"))
torch.save({"x": torch.zeros(2, dtype=torch.uint16)}, path("uint16.pt"))
torch.save({"x": torch.zeros(2).to_sparse(), "y": torch.ones(1)}, path("sparse.pt"))
torch.save(torch.tensor([3, 1, 2]), path("bare.pt"))
torch.jit.script(torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.Linear(1, 1))).save(path("script.pt"))


# A checkpoint as PyTorch Lightning writes it; the foreign classes exist only while it is written.
foreign = types.ModuleType("lightning_like.callbacks")
sys.modules["lightning_like"] = types.ModuleType("lightning_like")
sys.modules["lightning_like.callbacks"] = foreign


def make(name, base_class=object):
    kind = type(name, (base_class,), {"__module__": "lightning_like.callbacks"})
    setattr(foreign, name, kind)
    return kind


Callback, Attributes, Fraction = make("ModelCheckpoint"), make("AttributeDict", dict), make("Slotted")
callback = Callback()
callback.best = {"score": torch.tensor(0.25)}
callback.me = callback  # a cycle
network = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.LayerNorm(2))
with torch.no_grad():
    for number, parameter in enumerate(network.parameters()):
        parameter.copy_(torch.arange(parameter.numel(), dtype=torch.float32).reshape(parameter.shape) + 10 * number)
optimizer = torch.optim.AdamW(network.parameters(), lr=0.5)
network(torch.ones(1, 3)).sum().backward()
optimizer.step()
state = collections.OrderedDict(("model." + key, value) for key, value in network.state_dict().items())
state._metadata = {"": {"version": 1}}
torch.save(
    {
        "epoch": 3,
        "global_step": 10**12,
        "pytorch-lightning_version": "2.0.1",
        "state_dict": state,
        "callbacks": {Callback: callback, "other": {1, 2}},
        "optimizer_states": [optimizer.state_dict()],
        "hyper_parameters": Attributes(rate=1e-4, name="ε", huge=2**200, sizes=(1, 2), flag=True, none=None),
        "random": {"numpy": np.random.RandomState(0).get_state(), "torch": torch.arange(3, dtype=torch.uint8)},
        "array": np.arange(3.0),
        "default": collections.defaultdict(list, a=[1]),
        "when": torch.Size([2, 3]),
        "raw": b"\x00\xff",
    },
    path("lightning.ckpt"),
)


# A pickle that would run commands, in torch's zip.
class Call:
    def __init__(self, function, *arguments):
        self.value = (function, arguments)

    def __reduce__(self):
        return self.value


def exec_builtin(text):
    return Call(exec, text)


torch.save(
    {
        "a": Call(os.system, "touch moonlit-was-here"),
        "b": Call(eval, "open('moonlit-was-here', 'w')"),
        "c": exec_builtin("open('moonlit-was-here', 'w')"),
        "weight": torch.tensor([1.0, 2.0]),
    },
    path("hostile.pt"),
)

# Zip's other sides: deflate, and zip64 fields where none are needed.
records = zipfile.ZipFile(path("strided.pt"))
with zipfile.ZipFile(path("compressed.pt"), "w", zipfile.ZIP_DEFLATED) as archive:
    for info in records.infolist():
        archive.writestr(info.filename, records.read(info))

with open(path("zip64.pt"), "wb") as out:
    central = b""
    for info in records.infolist():
        data, name, offset = records.read(info), info.filename.encode(), out.tell()
        big = struct.pack("<HHQQ", 1, 16, len(data), len(data))
        head = struct.pack("<HHHHHI", 45, 0x800, 0, 0, 0, info.CRC) + struct.pack("<IIH", 0xFFFFFFFF, 0xFFFFFFFF, len(name))
        out.write(b"PK\3\4" + head + struct.pack("<H", len(big)) + name + big + data)
        big = struct.pack("<HHQQQ", 1, 24, len(data), len(data), offset)
        central += b"PK\1\2" + struct.pack("<H", 45) + head + struct.pack("<HHHHII", len(big), 0, 0, 0, 0, 0xFFFFFFFF) + name + big
    start = out.tell()
    number = len(records.infolist())
    out.write(central)
    end = out.tell()
    out.write(b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, number, number, len(central), start))
    out.write(b"PK\6\7" + struct.pack("<IQI", 0, end, 1))
    out.write(b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0) + b"")
