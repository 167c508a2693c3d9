"""Text and noised CLIP towers as their reference implementations compute them (see README.md).

    python generate.py GLIDE_TEXT2IM_CLONE LATENT_DIFFUSION_CLONE
"""

import importlib.util
import json
import random
import subprocess
import sys
import types
from pathlib import Path
from unittest import mock

import numpy as np
import torch as th
from safetensors.torch import save_file

here = Path(__file__).resolve().parent
glide, latent = Path(sys.argv[1]), Path(sys.argv[2])
CONTEXT = 77


def commit(clone):
    return subprocess.check_output(["git", "-C", clone, "rev-parse", "HEAD"], text=True).strip()


def generator(seed):
    return th.Generator().manual_seed(seed)


def randomise(module, seed, scale=1.0):
    """Numbers that float16 holds: matrices of the usual size, norms about 1, biases about 0."""
    g = generator(seed)
    with th.no_grad():
        for name, p in module.named_parameters():
            draw = th.randn(p.shape, generator=g, dtype=th.float64)
            if p.dim() < 2:
                is_scale = name.endswith((".g", "norm.weight", "norm1.weight", "norm2.weight", "ln_1.weight", "ln_2.weight"))
                is_scale |= name.endswith(("ln_final.weight", ".0.weight"))
                value = 0.2 * draw + (1.0 if is_scale else 0.0)
            elif "emb" in name or "w_pos" in name or "w_voc" in name or "w_t" in name:
                value = 0.5 * draw
            else:
                value = scale * draw / p[0].numel() ** 0.5
            p.copy_(value.half().to(p.dtype))
    return module.double().eval()


def half(state):
    return {k: v.detach().half().contiguous() for k, v in state.items() if v.is_floating_point()}


def single(state):
    return {k: (v.detach().float() if v.is_floating_point() else v).contiguous().clone() for k, v in state.items()}


def texts(count, length, vocabulary, start, end, padding, seed):
    """Start, a text, the end, padding: texts of several lengths, the empty one and a full one among them."""
    g = random.Random(seed)
    rows = []
    for index in range(count):
        fill = [0, length - 2][index] if index < 2 else g.randrange(1, length - 2)
        words = [g.randrange(1, min(start, end)) for _ in range(fill)]
        row = [start] + words + [end]
        rows.append(row + [padding] * (length - len(row)))
    return th.tensor(rows)


# --- CLIP, as transformers has it.

from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection  # noqa: E402


def clip():
    # Its masks are made in the default type.
    th.set_default_dtype(th.float64)
    tensors, metadata = {}, {}
    common = dict(max_position_embeddings=CONTEXT, num_hidden_layers=3)
    cases = {
        "openai": (
            CLIPTextModelWithProjection,
            CLIPTextConfig(
                vocab_size=64, hidden_size=32, intermediate_size=80, num_attention_heads=4, projection_dim=24,
                hidden_act="quick_gelu", eos_token_id=2, bos_token_id=0, **common),
            (62, 63, 63)),
        "plain": (
            CLIPTextModel,
            CLIPTextConfig(
                vocab_size=64, hidden_size=24, intermediate_size=96, num_attention_heads=3, projection_dim=24,
                hidden_act="gelu", eos_token_id=60, bos_token_id=59, layer_norm_eps=1e-6, **common),
            (59, 60, 63)),
    }
    for seed, (name, (kind, config, (start, end, padding))) in enumerate(cases.items()):
        config.architectures = [kind.__name__]
        config._attn_implementation = "eager"
        model = randomise(kind(config), 10 + seed)
        ids = texts(3, CONTEXT, 64, start, end, padding, seed)

        def run(ids, to):
            out = model(input_ids=ids, output_hidden_states=True)
            body = model.text_model(input_ids=ids)
            tensors.update(single({f"{to}.hidden.{i}": h for i, h in enumerate(out.hidden_states)}))
            tensors.update(single({
                f"{to}.input_ids": ids, f"{to}.last": out.last_hidden_state, f"{to}.pooled": body.pooler_output}))
            if name == "openai":
                tensors.update(single({f"{to}.projected": out.text_embeds}))

        with th.no_grad():
            tensors.update({f"{name}.weights.{k}": v for k, v in half(model.state_dict()).items()})
            run(ids, name)
            metadata[name] = json.dumps({**config.to_diff_dict(), "architectures": [kind.__name__]})
            if name == "openai":
                # Three rows more, as a textual inversion's; the end token must be found all the same.
                rows = (0.5 * th.randn(3, 32, generator=generator(5), dtype=th.float64)).half().double()
                model.resize_token_embeddings(67, mean_resizing=False)
                model.text_model.embeddings.token_embedding.weight[64:] = rows
                model.text_model.eos_token_id = 63
                ids = ids.clone()
                ids[1, 3:6] = th.tensor([64, 65, 66])
                ids[2, 1:3] = th.tensor([66, 64])
                tensors["openai.inverted.rows"] = rows.float()
                run(ids, "openai.inverted")
    th.set_default_dtype(th.float32)
    save_file(tensors, here / "clip.safetensors", metadata)
    return tensors


# --- CLIP, as OpenCLIP has it.

def open_clip():
    vision = ["torchvision", "torchvision.ops", "torchvision.ops.misc", "torchvision.transforms",
              "torchvision.transforms.functional"]
    # Its text tower needs nothing of it.
    with mock.patch.dict(sys.modules, {name: mock.MagicMock() for name in vision}):
        import open_clip as package
        from open_clip.transformer import TextTransformer

    model = TextTransformer(context_length=CONTEXT, vocab_size=64, width=64, heads=1, layers=3, output_dim=48)
    model = randomise(model, 20)
    ids = texts(3, CONTEXT, 64, 62, 63, 0, 3)
    with th.no_grad():
        x = model.token_embedding(ids) + model.positional_embedding
        for block in model.transformer.resblocks[:-1]:
            x = block(x, attn_mask=model.attn_mask.double())
        penultimate = x
        x = model.transformer.resblocks[-1](x, attn_mask=model.attn_mask.double())
        last = model.ln_final(x)
        projected = last[th.arange(3), ids.argmax(-1)] @ model.text_projection
        assert (model.double()(ids) - projected).abs().max() < 1e-5
        out = {
            "tokens": ids, "penultimate": penultimate, "penultimate_normalised": model.ln_final(penultimate),
            "last": last, "projected": projected}
    weights = {f"weights.{k}": v for k, v in half(model.state_dict()).items() if k != "attn_mask"}
    weights["weights.logit_scale"] = th.tensor(4.6).half()
    save_file({**weights, **single(out)}, here / "openclip.safetensors", {"open_clip_torch": package.__version__})


# --- GLIDE's noised CLIP.

def noised():
    np.bool = bool  # as NumPy 1 had it
    sys.path.insert(0, str(glide))
    # Its package loads much that its CLIP does not need.
    sys.modules["glide_text2im"] = package = types.ModuleType("glide_text2im")
    package.__path__ = [str(glide / "glide_text2im")]
    from glide_text2im.clip.encoders import ImageEncoder, TextEncoder
    from glide_text2im.clip.model_creation import CLIPModel

    cpu = th.device("cpu")
    image = ImageEncoder(
        image_size=16, patch_size=4, n_embd=24, n_head=2, n_xf_blocks=1, n_head_state=64, n_timestep=10, device=cpu)
    text = TextEncoder(
        n_bpe_vocab=64, max_text_len=11, n_embd=24, n_head=2, n_xf_blocks=2, n_head_state=32, device=cpu)
    # float32 throughout: the reference's normalisation is.
    randomise(image, 30).float()
    randomise(text, 31).float()
    x = th.randn(3, 3, 16, 16, generator=generator(6)).clamp(-1, 1)
    steps = th.tensor([0, 9, 4])
    tokens = texts(3, 11, 64, 62, 63, 0, 8)
    lengths = (tokens != 0).sum(1)
    tokenizer = types.SimpleNamespace(
        encode=lambda index: index, padded_tokens_and_len=lambda index, _: (tokens[index].tolist(), int(lengths[index])))
    model = CLIPModel(
        config={}, text_encoder=text, image_encoder=image, logit_scale=th.tensor(np.log(100.0), dtype=th.float32),
        device=cpu, tokenizer=tokenizer)
    with th.no_grad():
        out = {
            "clip.image": x, "clip.timesteps": steps, "clip.image_embedding": model.image_embeddings(x, steps),
            "clip.tokens": tokens, "clip.text_embedding": model.text_embeddings(range(3)),
            "raw.image": image((x + 1) * 127.5, steps), "raw.text": text(tokens, lengths)}
    out["gradient"] = model.cond_fn(range(3), 3.0)(x, steps)
    weights = {f"image.weights.{k}": v for k, v in half(image.state_dict()).items()}
    weights |= {f"text.weights.{k}": v for k, v in half(text.state_dict()).items()}
    save_file({**weights, **single(out)}, here / "noised.safetensors", {"glide-text2im": commit(glide)})


# --- Latent diffusion's text transformer.

def bert():
    spec = importlib.util.spec_from_file_location("x_transformer", latent / "ldm/modules/x_transformer.py")
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    model = reference.TransformerWrapper(
        num_tokens=64, max_seq_len=CONTEXT, attn_layers=reference.Encoder(dim=24, depth=2))
    randomise(model, 40)
    ids = texts(3, CONTEXT, 64, 61, 62, 0, 9)
    with th.no_grad():
        output = model(ids, return_embeddings=True)

    from diffusers.pipelines.latent_diffusion.pipeline_latent_diffusion import LDMBertConfig, LDMBertModel

    other = LDMBertModel(
        LDMBertConfig(
            vocab_size=64, max_position_embeddings=CONTEXT, encoder_layers=2, encoder_ffn_dim=96,
            encoder_attention_heads=8, head_dim=64, d_model=24)).double().eval()
    names = {
        "model.embed_tokens.weight": "token_emb.weight", "model.embed_positions.weight": "pos_emb.emb.weight",
        "model.layer_norm": "norm", "to_logits": "to_logits"}
    for layer in range(2):
        first, second, theirs = (
            f"attn_layers.layers.{2 * layer}.", f"attn_layers.layers.{2 * layer + 1}.", f"model.layers.{layer}.")
        names |= {theirs + f"self_attn.{k}_proj": first + f"1.to_{k}" for k in "qkv"}
        names |= {
            theirs + "self_attn.out_proj": first + "1.to_out", theirs + "self_attn_layer_norm": first + "0",
            theirs + "final_layer_norm": second + "0", theirs + "fc1": second + "1.net.0.0",
            theirs + "fc2": second + "1.net.2"}
    state, mapped = model.state_dict(), {}
    for key in other.state_dict():
        if key.endswith("position_ids"):
            continue
        base = next(n for n in sorted(names, key=len, reverse=True) if key == n or key.startswith(n + "."))
        mapped[key] = names[base] + key[len(base):]
    assert set(mapped.values()) == set(state), set(state) ^ set(mapped.values())
    other.load_state_dict({k: state[v] for k, v in mapped.items()}, strict=False)
    with th.no_grad():
        assert (other.model(ids)[0] - output).abs().max() < 1e-5
    weights = {f"weights.{k}": v for k, v in half(state).items()}
    save_file(
        {**weights, **single({"tokens": ids, "output": output})}, here / "bert.safetensors",
        {"latent-diffusion": commit(latent), "diffusers": json.dumps(mapped)})


# --- Tokenizers.

PROMPTS = [
    "", "a house next to a lake in moonlight", "A House!", "a dog! ?! !!", " ! ! ", "it's the horse's, isn't it?",
    "low lower lowest newest wide wider", "12 34 5th 2024", "a<|endoftext|>b", "A <|StartOfText|> b",
    "x !<|startoftext|>! y", "café naïve Zürich", "日本 の 月", "tabs\tand\nlines  and   spaces", "e.g. (this) [that] {those}",
    "emoji 🏠 and 🌙", "don't can't we'll I'd you're they've", "ΑΒΓ абв", "---***---", "the " * 100,
    "lowlowlow", "l", "w", "t!t", "£5 or €5", "newer_lower-lowest",
]


def tokenizers():
    from transformers import CLIPTokenizer, CLIPTokenizerFast
    from transformers.models.gpt2.tokenization_gpt2 import bytes_to_unicode

    folder = here / "tokenizers"
    alphabet = list(bytes_to_unicode().values())
    merges = [
        "h o", "u s", "us e</w>", "ho use</w>", "l o", "lo w</w>", "lo w", "e r</w>", "low er</w>", "t h", "th e</w>",
        # Two ways to one token.
        "n e", "ne w", "e w", "n ew", "new er</w>", "e s", "es t</w>", "low est</w>", "a n", "m o", "o n", "mo on",
    ]
    made = ["".join(m.split(" ")) for m in merges]
    words = alphabet + [c + "</w>" for c in alphabet] + list(dict.fromkeys(made)) + ["<|startoftext|>", "<|endoftext|>"]
    order = list(range(1, len(words)))
    random.Random(4).shuffle(order)
    # `!` stays 0, as the padding of those that pad by it.
    scrambled = {word: number for word, number in zip(words, [0] + order)}
    partial = [
        "l", "o", "w", "e", "r", "s", "t", "i", "d", "n", "l</w>", "w</w>", "r</w>", "t</w>", "lo", "low</w>", "er</w>",
        "low", "<unk>", "<|startoftext|>", "<|endoftext|>"]
    cases = {
        "scrambled": (scrambled, merges, dict(pad_token="!")),
        "partial": (
            {w: i for i, w in enumerate(partial)}, ["l o", "lo w</w>", "e r</w>", "lo w"], dict(unk_token="<unk>")),
    }
    golden = {}
    for name, (vocabulary, list_, extra) in cases.items():
        target = folder / name
        target.mkdir(parents=True, exist_ok=True)
        (target / "vocab.json").write_text(json.dumps(vocabulary, indent=0))
        (target / "merges.txt").write_text("#version: 0.2\n" + "\n".join(list_) + "\n")
        slow = CLIPTokenizer(
            str(target / "vocab.json"), str(target / "merges.txt"), model_max_length=CONTEXT, **extra)
        slow.save_pretrained(target)
        slow = CLIPTokenizer.from_pretrained(target)
        golden[name] = {
            p: slow(p, padding="max_length", truncation=True, max_length=CONTEXT).input_ids for p in PROMPTS}
        if name == "scrambled":
            fast = CLIPTokenizerFast.from_pretrained(target)
            for prompt in PROMPTS:
                ids = fast(prompt, padding="max_length", truncation=True, max_length=CONTEXT).input_ids
                if ids != golden[name][prompt]:
                    print("slow and fast differ:", repr(prompt))
            (folder / "packed").mkdir(exist_ok=True)
            for made in fast.save_pretrained(folder / "packed"):
                if Path(made).name not in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
                    Path(made).unlink(missing_ok=True)
    (folder / "prompts.json").write_text(json.dumps(golden, indent=0))


def word_pieces():
    from transformers import BertTokenizer

    tokenizer = BertTokenizer(
        str(here.parents[2] / "Sources/Tokenizers/Vocabularies/bert-uncased-vocab.txt"), do_lower_case=True)
    g = random.Random(11)
    vocabulary = [w for w in tokenizer.vocab if w.isascii() and w.isalpha()]
    rare = list(
        "àéîõüçñøßŁĐİıſǅΣσςΩЖйё中文字日本語カナ한국어ไทยहिन्दी🏠🌙👩‍👩‍👧–—“”‘’…«»¿¡§¶•™©®°±×÷€£¥½²³\u00a0\u2009\u3000\u200b\u00ad\t\n"
        "\u0301\u0308\u1e9b\u0323\ufb01Å\u212b①Ⅳ㎏")
    prompts = [p.strip() for p in PROMPTS] + PROMPTS + [
        "a virus monster is playing guitar, oil on canvas", "unaffable", "Hello, World! [CLS] [SEP] [MASK]", "[UNK]x[PAD]",
        "[cls]", "supercalifragilisticexpialidocious antidisestablishmentarianism", "x" * 100, "x" * 101, "a" * 300,
        "\x00nul\ufffdbad\x1b[0m", "line\u2028separator\u2029paragraph", "$100,000.00 @user #tag 50% a^b `c` ~d|e",
        "ΟΔΥΣΣΕΥΣ ὈΔΥΣΣΕΎΣ", "Ünïcödé ÀÉÎ", "I\u0307stanbul İstanbul", "中文字符 mixed 日本語テキスト", "한국어 텍스트",
        "नमस्ते दुनिया", "مرحبا بالعالم", "שלום עולם", "สวัสดี", "don't I'll he's", "C++ C# .NET", "e-mail: a.b@c.de",
        "x\u0300\u0301\u0302y", "\u1e9b\u0323 ﬁ ﬃ", "①②③ Ⅳ", "a\u200bb a\u00adb", "e\u0301tude \u212bngstrom",
    ]
    while len(prompts) < 300:
        words = []
        for _ in range(g.randrange(1, 40)):
            kind = g.randrange(8)
            if kind < 4:
                words.append(g.choice(vocabulary))
            elif kind == 4:
                words.append("".join(g.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(g.randrange(1, 14))).title())
            elif kind == 5:
                words.append("".join(g.choice(rare) for _ in range(g.randrange(1, 5))))
            elif kind == 6:
                words.append(g.choice(".,;:!?-()[]{}'\"/\\@#$%^&*_+=<>|~`") * g.randrange(1, 4))
            else:
                words.append(str(g.randrange(100000)))
        prompts.append("".join(w + g.choice([" ", " ", "", "  "]) for w in words))
    golden = [
        [p, tokenizer(p, add_special_tokens=False).input_ids,
         tokenizer(p, padding="max_length", truncation=True, max_length=CONTEXT).input_ids[:CONTEXT]]
        for p in dict.fromkeys(prompts)]
    (here / "bert.json").write_text(json.dumps(golden, separators=(",", ":")))


# --- Textual inversions.

def inversions(rows):
    folder = here / "inversions"
    folder.mkdir(exist_ok=True)
    rows = rows.clone()
    th.save(
        {"string_to_token": {"*": 265}, "string_to_param": {"*": rows}, "name": "inner", "step": 100,
         "sd_checkpoint": None, "sd_checkpoint_name": None}, folder / "web-ui.pt")
    th.save(
        {"string_to_token": {"*": th.tensor(265)},
         "string_to_param": th.nn.ParameterDict({"*": th.nn.Parameter(rows)})}, folder / "parameters.pt")
    th.save({"<cat-toy>": rows[0].clone()}, folder / "learned_embeds.bin")
    save_file({"<dog-toy>": rows[:2].clone()}, folder / "diffusers.safetensors")
    save_file({"emb_params": rows}, folder / "emb-params.safetensors")
    save_file({"clip_l": rows, "clip_g": rows.flip(0).contiguous()}, folder / "xl.safetensors")


if __name__ == "__main__":
    th.set_grad_enabled(True)
    inversions(clip()["openai.inverted.rows"])
    open_clip()
    noised()
    bert()
    tokenizers()
    word_pieces()
