"""Draws new configurations within the families, makes the models with diffusers, and holds `moonlit` against them.

    python verify_random.py PROGRAM [--count 20] [--seed 1] [--keep FOLDER]

Prints a table: the largest relative L2 error of the parts in float32 and bfloat16, of whole guided pipelines, of pictures
from pictures, and of the single file against the folder. Exit status 1 where a limit is passed.
"""

import argparse
import dataclasses
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

import compvis
import golden
import models

LIMITS = {"parts": 1e-5, "bfloat16": 3e-2, "pipelines": 1e-3, "edits": 1e-3, "inpainting": 1e-3, "single": 1e-6}


def run(program, *arguments):
    outcome = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
    if outcome.returncode not in (0, 2):
        raise RuntimeError(f"{' '.join(map(str, arguments))}: {outcome.stderr.strip()}")
    return outcome.stdout


def parts(program, model, file, dtype):
    said = json.loads(run(program, "verify", model, "--golden", file, "--dtype", dtype, "--json"))
    return {part["part"]: float(part["relativeL2"]) for part in said["parts"]}


def distance(found, expected):
    return float((found.double() - expected.double()).norm() / expected.double().norm())


def latents(program, model, folder, *arguments):
    out = Path(folder) / "out.safetensors"
    run(
        program, "generate", golden.PROMPT, "--negative-prompt", golden.NEGATIVE, "--guidance-scale", golden.GUIDANCE,
        "--model", model, "--prompt-syntax", "plain", "--save-latents", out, "-o", Path(folder) / "out.png", "--quiet",
        *arguments,
    )
    return load_file(out)["latents"]


def whole(program, model, folder, expected, steps):
    """Final latents of each sampler's pipeline, from a given first noise."""
    noise = Path(folder) / "noise.safetensors"
    save_file({"latents": expected["initial_noise"].contiguous()}, noise)
    worst = {}
    for key, value in expected.items():
        if key.startswith("text2image."):
            sampler = key.split(".", 1)[1]
            found = latents(program, model, folder, "--sampler", sampler, "--steps", steps, "--initial-noise", noise)
            worst[key] = distance(found, value)
    return worst


def edited(program, model, folder, expected, seed):
    image, mask = Path(folder) / "image.png", Path(folder) / "mask.png"
    Image.fromarray(expected["image"].numpy()).save(image)
    Image.fromarray(expected["mask"].numpy()).save(mask)
    worst = {}
    for key, value in expected.items():
        parts = key.split(".")
        if parts[0] not in ("image2image", "inpaint"):
            continue
        arguments = ["--init-image", image, "--seed", seed, "--sampler", parts[-1]]
        if parts[0] == "inpaint":
            arguments += ["--mask", mask]
        full = "full" in parts
        arguments += ["--strength", 1.0 if full else 0.6, "--steps", golden.STEPS if full else 10]
        worst[key] = distance(latents(program, model, folder, *arguments), value)
    return worst


def inpainting(program, family, seed, folder):
    """The same for a network that sees the hole."""
    family = dataclasses.replace(family, input_channels=9)
    pipe = models.build(family, seed, folder)
    models.save(pipe, folder, family.name)
    return edited(program, folder, folder, golden.edits(pipe, seed, only=("inpaint",)), seed)


def one(program, name, seed, folder):
    rng = random.Random(seed)
    family = models.draw(name, rng)
    pipe = models.build(family, seed, folder)
    models.save(pipe, folder, name)
    state = compvis.single_file(pipe, name)
    save_file({key: value.float() if value.is_floating_point() else value for key, value in state.items()},
              folder / "single.safetensors")
    file = folder / "parts.golden"
    save_file({key: value.contiguous() for key, value in golden.parts(pipe, seed).items()}, file)
    expected = golden.pipelines(pipe, seed)
    edits = golden.edits(pipe, seed)

    result = {"parts": parts(program, folder, file, "float32"), "bfloat16": parts(program, folder, file, "bfloat16")}
    result["pipelines"] = whole(program, folder, folder, expected, golden.STEPS)
    result["edits"] = edited(program, folder, folder, edits, seed)
    result["inpainting"] = inpainting(program, family, seed, folder.with_name(folder.name + "-9"))
    noise = folder / "noise.safetensors"
    arguments = ["--sampler", "ddim", "--steps", golden.STEPS, "--initial-noise", noise]
    result["single"] = {
        "ddim": distance(
            latents(program, folder / "single.safetensors", folder, *arguments),
            latents(program, folder, folder, *arguments))
    }
    return family, result


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", help="a folder for the models, which else are thrown away")
    options = parser.parse_args()
    torch.set_num_threads(1)
    failures = 0
    print("| n | family | channels | blocks | " + " | ".join(LIMITS) + " |")
    print("|---" * (4 + len(LIMITS)) + "|")
    for index in range(options.count):
        name = ["sd1", "sd2", "xl"][index % 3]
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(options.keep or scratch) / f"{name}-{options.seed + index}"
            family, result = one(options.program, name, options.seed + index, folder)
        cells = []
        for kind, limit in LIMITS.items():
            where, error = max(result[kind].items(), key=lambda item: item[1] if item[1] == item[1] else np.inf)
            passed = error <= limit
            failures += not passed
            cells.append(f"{error:.1e}" + ("" if passed else f" **FAILED** ({where})"))
        print(f"| {index + 1} | {name} | {family.channels} | {family.blocks} | " + " | ".join(cells) + " |", flush=True)
    print(f"{options.count} models, {failures} failures")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
