"""Small random models in every published layout, and what diffusers makes of them (see README.md).

    python generate.py
"""

import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file

import compvis
import golden
import models

HERE = Path(__file__).resolve().parent


class Foreign:
    """What training scripts leave in a checkpoint: an object of a class nobody else has."""

    def __init__(self):
        self.note = "callbacks"


def tidy(tensors):
    return {name: value.contiguous() for name, value in tensors.items()}


def main():
    torch.set_num_threads(1)
    for seed, name in enumerate(["sd1", "sd2", "xl"], start=1):
        folder = HERE / name
        shutil.rmtree(folder, ignore_errors=True)
        family = models.Family(name, heads=2 if name == "sd1" else 4)
        if name == "xl":
            family.depths = [1, 2]
            family.attention = [False, True]
        pipe = models.build(family, seed, folder)
        models.save(pipe, folder, name, variant="fp16" if name == "sd2" else None)
        halve(folder, name)
        state = compvis.single_file(pipe, name)
        if name == "sd1":
            wrapped = {"epoch": 3, "global_step": 470000, "callbacks": {Foreign: Foreign()}, "state_dict": state}
            torch.save(wrapped, folder / "single.ckpt")
        else:
            save_file(state, folder / "single.safetensors", metadata={"format": "pt"})
        metadata = {
            "prompt": golden.PROMPT, "negative_prompt": golden.NEGATIVE, "guidance_scale": str(golden.GUIDANCE),
            "steps": str(golden.STEPS), "seed": str(seed + 40),
        }
        save_file(tidy(golden.parts(pipe, seed)), HERE / f"{name}.parts.safetensors")
        save_file(tidy(golden.pipelines(pipe, seed + 40)), HERE / f"{name}.pipelines.safetensors", metadata=metadata)
        save_file(tidy(golden.edits(pipe, seed + 40)), HERE / f"{name}.edits.safetensors", metadata=metadata)
        if name != "sd2":
            found = golden.additions(pipe, seed + 40, HERE, name)
            metadata["inversion_prompt"] = golden.INVERSION
            save_file(tidy(found), HERE / f"{name}.additions.safetensors", metadata=metadata)


def halve(folder, name):
    """Writes the weights again in half their size, and each family's in another way."""
    import json

    from safetensors.torch import load_file

    for file in sorted(folder.rglob("*.safetensors")):
        state = {key: value.half() for key, value in load_file(file).items()}
        if name == "sd1" and file.parent.name == "unet":
            file.unlink()
            keys = sorted(state)
            shards = [keys[::2], keys[1::2]]
            index = {"metadata": {"total_size": sum(v.numel() * 2 for v in state.values())}, "weight_map": {}}
            for number, shard in enumerate(shards, start=1):
                part = f"diffusion_pytorch_model-{number:05}-of-00002.safetensors"
                save_file({key: state[key] for key in shard}, file.parent / part, metadata={"format": "pt"})
                index["weight_map"] |= {key: part for key in shard}
            (file.parent / "diffusion_pytorch_model.safetensors.index.json").write_text(
                json.dumps(index, indent=2, sort_keys=True)
            )
        elif name == "sd1" and file.parent.name == "vae":
            file.unlink()
            torch.save(state, file.with_suffix(".bin"))
        else:
            save_file(state, file, metadata={"format": "pt"})


if __name__ == "__main__":
    main()
