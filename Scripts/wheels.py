"""Takes what a C++ program needs out of PyPI's wheels of torch and of NVIDIA's libraries.

    wheels.py requirements TORCH.whl           prints the CUDA packages that wheel asks for
    wheels.py unpack cpu|cuda DEST WHEEL...    writes DEST/include, DEST/lib, DEST/licenses

Runs on any Python 3 without packages; called by `Scripts/setup` only.
"""

import os
import re
import shutil
import sys
import zipfile

# Of torch/lib: what serves Python only, and what serves CUDA only.
PYTHON_ONLY = re.compile(r"lib(torch_python|torch_global_deps|shm)\b")
CUDA_ONLY = re.compile(r"lib(torch_cuda\w*|c10_cuda|caffe2_nvrtc|torch_nvshmem|torch)\.")
# Of NVIDIA's wheels: all that libtorch_cpu.so names.
CUDA_FOR_CPU = re.compile(r"lib(cudart|cupti)\.so\.\d+$")
LIBRARY = re.compile(r"\.(so(\.\d+)*|dylib)$")


def requirements(wheel):
    with zipfile.ZipFile(wheel) as archive:
        name = next(n for n in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", n))
        lines = archive.read(name).decode("utf-8").splitlines()
    for line in lines:
        match = re.match(r"Requires-Dist: ((?:nvidia-|cuda-toolkit)[^;]*)", line)
        if match and "extra ==" not in line:
            print(match.group(1).strip())


def target(name, is_torch, cuda):
    """Where a wheel's file goes in the folder, or None where it is not needed."""
    base = os.path.basename(name)
    licence = re.fullmatch(r"([^/]+)-[^-/]+\.dist-info/(?:.*/)?((?:LICEN[CS]E|NOTICE|License)[^/]*)", name)
    licence = licence or re.fullmatch(r"nvidia/([^/]+)/(?:.*/)?(LICEN[CS]E[^/]*)", name)
    if licence:
        return "licenses/{}/{}".format(*licence.groups())
    if is_torch:
        if name.startswith("torch/include/"):
            return name[len("torch/"):]
        if re.fullmatch(r"torch/lib/[^/]+", name) and LIBRARY.search(base) and not PYTHON_ONLY.match(base):
            # On Linux libtorch.so itself asks for libtorch_cuda.so.
            if cuda or base.endswith(".dylib") or not CUDA_ONLY.match(base):
                return "lib/" + base
    elif name.startswith("nvidia/") and "/lib/" in name and LIBRARY.search(base):
        if cuda or CUDA_FOR_CPU.match(base):
            return "lib/" + base
    return None


def unpack(cuda, destination, wheels):
    destination = os.path.realpath(destination)
    for wheel in wheels:
        is_torch = os.path.basename(wheel).startswith("torch-")
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                relative = None if name.endswith("/") else target(name, is_torch, cuda)
                if relative is None:
                    continue
                path = os.path.realpath(os.path.join(destination, relative))
                if not path.startswith(destination + os.sep):
                    sys.exit("{}: the entry {!r} points outside the folder".format(wheel, name))
                os.makedirs(os.path.dirname(path), exist_ok=True)
                # Reading to the end also checks the entry's CRC.
                with archive.open(name) as source, open(path, "wb") as sink:
                    shutil.copyfileobj(source, sink, 1 << 20)


def main(arguments):
    try:
        if len(arguments) == 2 and arguments[0] == "requirements":
            requirements(arguments[1])
        elif len(arguments) > 3 and arguments[0] == "unpack" and arguments[1] in ("cpu", "cuda"):
            unpack(arguments[1] == "cuda", arguments[2], arguments[3:])
        else:
            sys.exit(__doc__)
    except (OSError, zipfile.BadZipFile) as error:
        sys.exit("wheels.py: {}".format(error))


main(sys.argv[1:])
