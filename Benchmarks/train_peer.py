"""The peer of `moonlit bench train`: the same training step in plain PyTorch, as one would write it today.

    python train_peer.py small.yaml --dtype bfloat16 --channels-last
    python train_peer.py small.yaml --check ../Tests/Fixtures/glide

The network is GLIDE's pixel U-Net with its text transformer, written anew for speed: fused attention, channels-last
convolutions, fused AdamW, one call for the moving average. `--check` shows that it is the same network: it must give
glide-text2im's outputs from the fixtures' weights. Prints one JSON object.
"""

import argparse
import contextlib
import json
import math
import os
import resource
import statistics
import time

import torch
import torch.nn.functional as F
import yaml
from torch import nn

GROUPS = 32


class GroupNormSiLU(nn.GroupNorm):
    """Group normalisation and SiLU."""

    def forward(self, x):
        return F.silu(super().forward(x))


class ResidualBlock(nn.Module):
    """[N, C, H, W] and the embedding [N, E] to [N, C', H', W'], the embedding scaling and shifting the second norm."""

    def __init__(self, channels, embedding, out_channels, dropout, resample=None):
        super().__init__()
        self.resample = resample
        self.in_layers = nn.ModuleList(
            [GroupNormSiLU(GROUPS, channels), nn.Identity(), nn.Conv2d(channels, out_channels, 3, padding=1)]
        )
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(embedding, 2 * out_channels))
        last = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.out_layers = nn.ModuleList([nn.GroupNorm(GROUPS, out_channels), nn.SiLU(), nn.Dropout(dropout), last])
        same = channels == out_channels
        self.skip_connection = nn.Identity() if same else nn.Conv2d(channels, out_channels, 1)

    def change_size(self, x):
        if self.resample == "down":
            return F.avg_pool2d(x, 2)
        if self.resample == "up":
            return F.interpolate(x, scale_factor=2, mode="nearest")
        return x

    def forward(self, x, emb, text):
        h = self.in_layers[2](self.change_size(self.in_layers[0](x)))
        scale, shift = self.emb_layers(emb)[:, :, None, None].chunk(2, dim=1)
        norm, silu, dropout, last = self.out_layers
        h = last(dropout(silu(norm(h) * (1 + scale) + shift)))
        return self.skip_connection(self.change_size(x)) + h


class JointAttention(nn.Module):
    """Pixels [N, C, H, W] attend to the text's states [N, L, D] and to each other under one softmax."""

    def __init__(self, channels, head_width, text_width):
        super().__init__()
        self.heads = channels // head_width
        self.norm = nn.GroupNorm(GROUPS, channels)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.encoder_kv = nn.Linear(text_width, 2 * channels)
        self.proj_out = nn.Linear(channels, channels)
        nn.init.zeros_(self.proj_out.weight)
        nn.init.zeros_(self.proj_out.bias)

    def split(self, x, parts):
        # Interleaved per head: [N, L, H · parts · W] → parts × [N, H, L, W]
        return x.unflatten(-1, (self.heads, parts, -1)).permute(3, 0, 2, 1, 4).unbind(0)

    def forward(self, x, emb, text):
        n, c, height, width = x.shape
        pixels = self.norm(x).permute(0, 2, 3, 1).reshape(n, height * width, c)
        q, k, v = self.split(self.qkv(pixels), 3)
        text_k, text_v = self.split(self.encoder_kv(text), 2)
        k, v = torch.cat([text_k, k], dim=2), torch.cat([text_v, v], dim=2)
        h = F.scaled_dot_product_attention(q, k, v)  # [N, H, HW, W]
        h = self.proj_out(h.transpose(1, 2).reshape(n, height * width, c))
        return x + h.reshape(n, height, width, c).permute(0, 3, 1, 2)


class Convolution(nn.Conv2d):
    def forward(self, x, emb, text):
        return super().forward(x)


class TextAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.c_qkv = nn.Linear(width, 3 * width)
        self.c_proj = nn.Linear(width, width)

    def forward(self, x):
        q, k, v = self.c_qkv(x).unflatten(-1, (self.heads, 3, -1)).permute(3, 0, 2, 1, 4).unbind(0)
        return self.c_proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class TextBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.ln_1, self.attn = nn.LayerNorm(width), TextAttention(width, heads)
        self.ln_2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential()
        self.mlp.add_module("c_fc", nn.Linear(width, 4 * width))
        self.mlp.add_module("gelu", nn.GELU())
        self.mlp.add_module("c_proj", nn.Linear(4 * width, width))

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class Transformer(nn.Module):
    def __init__(self, width, layers, heads):
        super().__init__()
        self.resblocks = nn.Sequential(*(TextBlock(width, heads) for _ in range(layers)))

    def forward(self, x):
        return self.resblocks(x)


class UNet(nn.Module):
    """Noise [N, C, S, S], steps [N], tokens and mask [N, L] to the noise's estimate."""

    def __init__(self, c):
        super().__init__()
        t, ch, levels = c["text"], c["channels"], c["multipliers"]
        emb = 4 * ch
        self.channels = ch
        self.time_embed = nn.Sequential(nn.Linear(ch, emb), nn.SiLU(), nn.Linear(emb, emb))
        self.token_embedding = nn.Embedding(t["vocabulary"], t["width"])
        nn.init.normal_(self.token_embedding.weight, std=0.02)
        self.positional_embedding = nn.Parameter(0.01 * torch.randn(t["context"], t["width"]))
        self.padding_embedding = nn.Parameter(0.01 * torch.randn(t["context"], t["width"]))
        self.transformer = Transformer(t["width"], t["layers"], t["heads"])
        self.final_ln = nn.LayerNorm(t["width"])
        self.transformer_proj = nn.Linear(t["width"], emb)
        half = ch // 2
        self.register_buffer("frequencies", torch.exp(-math.log(10000) * torch.arange(half) / half), persistent=False)

        def residual(i, o, resample=None):
            return ResidualBlock(i, emb, o, c["dropout"], resample)

        def attention(width):
            return JointAttention(width, c["head_width"], t["width"])

        first = levels[0] * ch
        self.input_blocks = nn.ModuleList([nn.ModuleList([Convolution(c["in_channels"], first, 3, padding=1)])])
        width, skips, rate = first, [first], 1
        for level, multiplier in enumerate(levels):
            for _ in range(c["residual_blocks"]):
                block = nn.ModuleList([residual(width, multiplier * ch)])
                width = multiplier * ch
                if rate in c["attention_downsampling"]:
                    block.append(attention(width))
                self.input_blocks.append(block)
                skips.append(width)
            if level + 1 < len(levels):
                self.input_blocks.append(nn.ModuleList([residual(width, width, "down")]))
                skips.append(width)
                rate *= 2
        self.middle_block = nn.ModuleList([residual(width, width), attention(width), residual(width, width)])
        self.output_blocks = nn.ModuleList()
        for level, multiplier in reversed(list(enumerate(levels))):
            for i in range(c["residual_blocks"] + 1):
                block = nn.ModuleList([residual(width + skips.pop(), multiplier * ch)])
                width = multiplier * ch
                if rate in c["attention_downsampling"]:
                    block.append(attention(width))
                if level and i == c["residual_blocks"]:
                    block.append(residual(width, width, "up"))
                    rate //= 2
                self.output_blocks.append(block)
        last = nn.Conv2d(first, c["out_channels"], 3, padding=1)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.out = nn.Sequential(GroupNormSiLU(GROUPS, width), nn.Identity(), last)

    def forward(self, x, steps, tokens, mask):
        angles = steps[:, None] * self.frequencies
        emb = self.time_embed(torch.cat([angles.cos(), angles.sin()], dim=-1))  # [N, E]
        text = self.token_embedding(tokens) + self.positional_embedding
        text = torch.where(mask[..., None], text, self.padding_embedding)
        text = self.final_ln(self.transformer(text))  # [N, L, D]
        emb = emb + self.transformer_proj(text[:, -1])
        skips = []
        for block in self.input_blocks:
            for layer in block:
                x = layer(x, emb, text)
            skips.append(x)
        for layer in self.middle_block:
            x = layer(x, emb, text)
        for block in self.output_blocks:
            x = torch.cat([x, skips.pop()], dim=1)
            for layer in block:
                x = layer(x, emb, text)
        return self.out(x)


def cosine_alpha_bar(steps, s=0.008, cap=0.999):
    f = lambda t: math.cos((t + s) / (1 + s) * math.pi / 2) ** 2  # noqa: E731
    betas = [min(1 - f((i + 1) / steps) / f(i / steps), cap) for i in range(steps)]
    return torch.cumprod(1 - torch.tensor(betas, dtype=torch.float64), 0)


class Trainer:
    def __init__(self, config, arguments):
        c, d, t = config["model"], config["diffusion"], config["training"]
        assert d["schedule"] == "squared_cosine", "the peer knows no other schedule"
        self.options, self.autocast = t, arguments.dtype == "bfloat16"
        self.batch_size = arguments.batch_size or t["batch_size"]
        self.model = UNet(c).train()
        self.format = torch.channels_last if arguments.channels_last else torch.contiguous_format
        self.model.to(memory_format=self.format)
        self.parameters = list(self.model.parameters())
        self.ema = [p.detach().clone() for p in self.parameters]
        self.optimizer = torch.optim.AdamW(
            self.parameters,
            lr=t["learning_rate"],
            betas=tuple(t["betas"]),
            eps=t["epsilon"],
            weight_decay=t["weight_decay"],
            fused=True,
        )
        alpha_bar = cosine_alpha_bar(d["steps"])
        self.signal, self.noise = alpha_bar.sqrt().float(), (1 - alpha_bar).sqrt().float()
        # One made-up batch as a loader would hand it over: bytes and tokens.
        n, size, text = self.batch_size, c["image_size"], c["text"]
        self.pixels = torch.randint(0, 256, (n, 3, size, size), dtype=torch.uint8)
        self.tokens = torch.randint(0, text["vocabulary"], (n, text["context"]))
        lengths = torch.randint(1, text["context"] + 1, (n, 1))
        self.mask = torch.arange(text["context"]) < lengths

    def step(self):
        n = self.batch_size
        x0 = (self.pixels.float() / 127.5 - 1).contiguous(memory_format=self.format)
        noise = torch.randn_like(x0)
        steps = torch.randint(0, len(self.signal), (n,))
        mask = self.mask & (torch.rand(n, 1) >= self.options["caption_dropout"])
        xt = self.signal[steps].view(n, 1, 1, 1) * x0 + self.noise[steps].view(n, 1, 1, 1) * noise
        with torch.autocast("cpu", torch.bfloat16) if self.autocast else contextlib.nullcontext():
            estimate = self.model(xt, steps, self.tokens, mask)
        loss = F.mse_loss(estimate.float()[:, :3], noise)
        loss.backward()
        nn.utils.clip_grad_norm_(self.parameters, self.options["gradient_clip"])
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        with torch.no_grad():
            torch._foreach_lerp_(self.ema, self.parameters, 1 - self.options["ema"])
        return loss.item()


def benchmark(config, arguments):
    torch.manual_seed(arguments.seed)
    trainer = Trainer(config, arguments)
    losses, seconds = [], []
    for _ in range(arguments.warmup + arguments.steps):
        start = time.perf_counter()
        losses.append(trainer.step())
        seconds.append(time.perf_counter() - start)
    seconds = seconds[arguments.warmup :]
    print(
        json.dumps(
            {
                "program": f"PyTorch {torch.__version__}",
                "config": os.path.basename(arguments.config),
                "parameters": sum(p.numel() for p in trainer.parameters),
                "dtype": arguments.dtype,
                "channels_last": arguments.channels_last,
                "threads": torch.get_num_threads(),
                "batch_size": trainer.batch_size,
                "steps": len(seconds),
                "step_seconds_minimum": round(min(seconds), 5),
                "step_seconds_median": round(statistics.median(seconds), 5),
                "samples_per_second_best": round(trainer.batch_size / min(seconds), 4),
                "samples_per_second_median": round(trainer.batch_size / statistics.median(seconds), 4),
                "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
                "loss_first": losses[0],
                "loss_last": losses[-1],
            }
        )
    )


def check(folder):
    """Compares with glide-text2im's outputs, from the fixtures of the test-suite."""
    from safetensors import safe_open

    tensors, config = {}, None
    for name in ("trunk-1", "trunk-2", "base"):
        with safe_open(os.path.join(folder, f"{name}.safetensors"), "pt") as file:
            config = json.loads(file.metadata()["config"])
            tensors.update({key: file.get_tensor(key) for key in file.keys()})
    model = UNet(
        {
            "in_channels": 3,
            "out_channels": config["out_channels"],
            "channels": config["num_channels"],
            "multipliers": config["channel_mult"],
            "residual_blocks": config["num_res_blocks"],
            "attention_downsampling": config["attention_downsampling"],
            "head_width": config["num_head_channels"],
            "dropout": 0.0,
            "text": {
                "vocabulary": config["n_vocab"],
                "context": config["text_ctx"],
                "width": config["xf_width"],
                "layers": config["xf_layers"],
                "heads": config["xf_heads"],
            },
        }
    ).eval()
    weights = {k.removeprefix("weights."): v.float() for k, v in tensors.items() if k.startswith("weights.")}
    shapes = {k: v.shape for k, v in model.state_dict().items()}
    model.load_state_dict({k: v.reshape(shapes[k]) if k in shapes else v for k, v in weights.items()})
    with torch.no_grad():
        output = model(*(tensors[f"glide.{k}"] for k in ("x", "timesteps", "tokens", "mask")))
    expected = tensors["glide.output"]
    error = ((output - expected).norm() / expected.norm()).item()
    print(json.dumps({"relative_l2": error, "passed": error < 1e-5}))
    raise SystemExit(0 if error < 1e-5 else 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config")
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32", help="bfloat16 is autocast")
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--batch-size", type=int, help="instead of the configuration's")
    parser.add_argument("--steps", type=int, default=10, help="timed steps")
    parser.add_argument("--warmup", type=int, default=3, help="steps before them")
    parser.add_argument("--threads", type=int, help="torch's own choice if absent")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--check", metavar="FOLDER", help="compare the network with Tests/Fixtures/glide instead")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    torch.set_flush_denormal(True)
    if arguments.check:
        check(arguments.check)
    with open(arguments.config) as file:
        benchmark(yaml.safe_load(file), arguments)


if __name__ == "__main__":
    main()
