"""The same weights under the names of single-file checkpoints (the CompVis and Stability form)."""

import torch


def unet_names(unet) -> dict:
    """diffusers' name -> CompVis' name, below `model.diffusion_model.`, for every parameter."""
    names = {}

    def resnet(theirs, ours):
        for a, b in [
            ("norm1", "in_layers.0"), ("conv1", "in_layers.2"), ("time_emb_proj", "emb_layers.1"),
            ("norm2", "out_layers.0"), ("conv2", "out_layers.3"), ("conv_shortcut", "skip_connection"),
        ]:
            names[f"{theirs}.{a}"] = f"{ours}.{b}"

    def prefix(theirs, ours):
        names[theirs] = ours

    prefix("conv_in", "input_blocks.0.0")
    prefix("time_embedding.linear_1", "time_embed.0")
    prefix("time_embedding.linear_2", "time_embed.2")
    prefix("add_embedding.linear_1", "label_emb.0.0")
    prefix("add_embedding.linear_2", "label_emb.0.2")
    prefix("conv_norm_out", "out.0")
    prefix("conv_out", "out.2")
    index = 1
    for level, block in enumerate(unet.down_blocks):
        attentions = getattr(block, "attentions", None)
        for layer in range(len(block.resnets)):
            resnet(f"down_blocks.{level}.resnets.{layer}", f"input_blocks.{index}.0")
            if attentions is not None:
                prefix(f"down_blocks.{level}.attentions.{layer}", f"input_blocks.{index}.1")
            index += 1
        if block.downsamplers is not None:
            prefix(f"down_blocks.{level}.downsamplers.0.conv", f"input_blocks.{index}.0.op")
            index += 1
    resnet("mid_block.resnets.0", "middle_block.0")
    if len(unet.mid_block.attentions) == 1:
        prefix("mid_block.attentions.0", "middle_block.1")
    resnet("mid_block.resnets.1", "middle_block.2")
    index = 0
    for level, block in enumerate(unet.up_blocks):
        attentions = getattr(block, "attentions", None)
        for layer in range(len(block.resnets)):
            resnet(f"up_blocks.{level}.resnets.{layer}", f"output_blocks.{index}.0")
            part = 1
            if attentions is not None:
                prefix(f"up_blocks.{level}.attentions.{layer}", f"output_blocks.{index}.1")
                part = 2
            if block.upsamplers is not None and layer == len(block.resnets) - 1:
                prefix(f"up_blocks.{level}.upsamplers.0.conv", f"output_blocks.{index}.{part}.conv")
            index += 1
    return names


def vae_names(vae) -> dict:
    """diffusers' name -> CompVis' name, below `first_stage_model.`."""
    names = {}

    def resnet(theirs, ours):
        for part in ["norm1", "conv1", "norm2", "conv2"]:
            names[f"{theirs}.{part}"] = f"{ours}.{part}"
        names[f"{theirs}.conv_shortcut"] = f"{ours}.nin_shortcut"

    for side in ["encoder", "decoder"]:
        names[f"{side}.conv_in"] = f"{side}.conv_in"
        names[f"{side}.conv_out"] = f"{side}.conv_out"
        names[f"{side}.conv_norm_out"] = f"{side}.norm_out"
        for index in [0, 1]:
            resnet(f"{side}.mid_block.resnets.{index}", f"{side}.mid.block_{index + 1}")
        for a, b in [("group_norm", "norm"), ("to_q", "q"), ("to_k", "k"), ("to_v", "v"), ("to_out.0", "proj_out")]:
            names[f"{side}.mid_block.attentions.0.{a}"] = f"{side}.mid.attn_1.{b}"
    count = len(vae.encoder.down_blocks)
    for level, block in enumerate(vae.encoder.down_blocks):
        for layer in range(len(block.resnets)):
            resnet(f"encoder.down_blocks.{level}.resnets.{layer}", f"encoder.down.{level}.block.{layer}")
        names[f"encoder.down_blocks.{level}.downsamplers.0.conv"] = f"encoder.down.{level}.downsample.conv"
    for level, block in enumerate(vae.decoder.up_blocks):
        mirrored = count - 1 - level
        for layer in range(len(block.resnets)):
            resnet(f"decoder.up_blocks.{level}.resnets.{layer}", f"decoder.up.{mirrored}.block.{layer}")
        names[f"decoder.up_blocks.{level}.upsamplers.0.conv"] = f"decoder.up.{mirrored}.upsample.conv"
    names["quant_conv"] = "quant_conv"
    names["post_quant_conv"] = "post_quant_conv"
    return names


def renamed(state, names, prefix):
    """Every tensor under its new name, by the longest name that begins its own."""
    result = {}
    for name, value in state.items():
        parts = name.split(".")
        for length in range(len(parts), 0, -1):
            head = ".".join(parts[:length])
            if head in names:
                result[prefix + ".".join([names[head]] + parts[length:])] = value
                break
        else:
            raise KeyError(name)
    return result


def open_clip(state, layers, prefix, generator=None):
    """A text tower as open_clip has it: fused projections; with a generator, one more layer, whose output nobody uses
    (Stable Diffusion 2 reads the last but one)."""
    state = {name.removeprefix("text_model."): value for name, value in state.items()}
    width = state["final_layer_norm.weight"].shape[0]
    result = {
        "token_embedding.weight": state["embeddings.token_embedding.weight"],
        "positional_embedding": state["embeddings.position_embedding.weight"],
        "ln_final.weight": state["final_layer_norm.weight"],
        "ln_final.bias": state["final_layer_norm.bias"],
        "logit_scale": torch.tensor(4.6),
    }
    if "text_projection.weight" in state:
        result["text_projection"] = state["text_projection.weight"].T.contiguous()
    elif generator is not None:
        result["text_projection"] = torch.randn(width, width, generator=generator)
    for layer in range(layers):
        theirs, ours = f"encoder.layers.{layer}", f"transformer.resblocks.{layer}"
        for kind in ["weight", "bias"]:
            qkv = [state[f"{theirs}.self_attn.{part}_proj.{kind}"] for part in "qkv"]
            result[f"{ours}.attn.in_proj_{kind}"] = torch.cat(qkv)
            for a, b in [
                ("self_attn.out_proj", "attn.out_proj"), ("layer_norm1", "ln_1"), ("layer_norm2", "ln_2"),
                ("mlp.fc1", "mlp.c_fc"), ("mlp.fc2", "mlp.c_proj"),
            ]:
                result[f"{ours}.{b}.{kind}"] = state[f"{theirs}.{a}.{kind}"]
    if generator is not None:
        last = f"transformer.resblocks.{layers - 1}."
        for name, value in list(result.items()):
            if name.startswith(last):
                added = name.replace(last, f"transformer.resblocks.{layers}.")
                result[added] = torch.randn(value.shape, generator=generator)
    return {prefix + name: value for name, value in result.items()}


def single_file(pipe, family: str) -> dict:
    """All weights of a pipeline, with buffers and averages that a reader must pass over."""
    generator = torch.Generator("cpu").manual_seed(0)
    state = renamed(pipe.unet.state_dict(), unet_names(pipe.unet), "model.diffusion_model.")
    vae = renamed(pipe.vae.state_dict(), vae_names(pipe.vae), "first_stage_model.")
    for name, value in vae.items():
        is_attention = ".attn_1." in name and ".norm." not in name and name.endswith("weight")
        state[name] = value[:, :, None, None] if is_attention else value
    text = pipe.text_encoder.state_dict()
    if family == "sd1":
        state |= {"cond_stage_model.transformer." + name: value for name, value in text.items()}
        state["cond_stage_model.transformer.text_model.embeddings.position_ids"] = torch.arange(77)[None]
    elif family == "sd2":
        layers = pipe.text_encoder.config.num_hidden_layers
        state |= open_clip(text, layers, "cond_stage_model.model.", generator)
    else:
        state |= {"conditioner.embedders.0.transformer." + name: value for name, value in text.items()}
        second = pipe.text_encoder_2
        state |= open_clip(
            second.state_dict(), second.config.num_hidden_layers, "conditioner.embedders.1.model.")
    for name in ["betas", "alphas_cumprod", "sqrt_alphas_cumprod"]:
        state[name] = torch.linspace(0.1, 0.9, 8)
    state["model_ema.decay"] = torch.tensor(0.9999)
    state["model_ema.diffusion_modelout2bias"] = torch.zeros(4)
    return {
        name: value.half().contiguous() if value.is_floating_point() else value.contiguous()
        for name, value in state.items()
    }
