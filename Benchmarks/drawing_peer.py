"""The peers of `moonlit bench unet`, `decode` and `generate`: diffusers (eager or compiled), OpenVINO and glide-text2im.

    python drawing_peer.py make sd15 FOLDER     a model of full size with random weights, and answers to compare with
    python drawing_peer.py make sdxl FOLDER     the U-Net in full size and in bfloat16; the rest, not timed, small
    python drawing_peer.py unet FOLDER --backend openvino --dtype bfloat16
    python drawing_peer.py decode FOLDER        latents of 64×64 to 512×512
    python drawing_peer.py generate FOLDER      20 steps of dpm++2m to a PNG: time the whole process
    python drawing_peer.py glide base.pt --glide CHECKOUT      GLIDE's base, of `Tests/Fixtures/glide/generate.py --full-size`

Prints one JSON object, whose `error` is the relative L2 distance to the float32 answer.
"""

import argparse
import json
import os
import resource
import statistics
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("what", choices=["make", "unet", "decode", "generate", "glide"])
parser.add_argument("arguments", nargs="+")
parser.add_argument("--backend", choices=["eager", "compiled", "openvino"], default="eager")
parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
parser.add_argument("--channels-last", action="store_true")
parser.add_argument("--threads", type=int, default=os.cpu_count())
parser.add_argument("--repeat", type=int, default=2)
parser.add_argument("--glide", help="a checkout of glide-text2im")
options = parser.parse_args()

import torch

torch.set_grad_enabled(False)
torch.set_num_threads(options.threads)
dtype = getattr(torch, options.dtype)


# MARK: Models


def make(kind, folder):
    from diffusers import AutoencoderKL, EulerDiscreteScheduler, PNDMScheduler, UNet2DConditionModel
    from safetensors.torch import save_file
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    os.makedirs(folder, exist_ok=True)
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(1)
    golden = {}

    def clip(kind, name, **sizes):
        kind(CLIPTextConfig(**sizes)).save_pretrained(f"{folder}/{name}")
        classes[name] = ("transformers", kind.__name__)

    classes = {"tokenizer": ("transformers", "CLIPTokenizer"), "unet": ("diffusers", "UNet2DConditionModel")}
    if kind == "sd15":
        unet = UNet2DConditionModel(
            sample_size=64, cross_attention_dim=768, attention_head_dim=8, block_out_channels=(320, 640, 1280, 1280))
        inputs = {
            "sample": torch.randn(2, 4, 64, 64, generator=generator), "timestep": torch.tensor([500, 500]),
            "encoder_hidden_states": torch.randn(2, 77, 768, generator=generator),
        }
        clip(CLIPTextModel, "text_encoder", hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12)
        widths, scheduler = (128, 256, 512, 512), PNDMScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", skip_prk_steps=True, set_alpha_to_one=False,
            steps_offset=1)
    else:
        unet = UNet2DConditionModel(
            sample_size=128, cross_attention_dim=2048, attention_head_dim=[5, 10, 20], use_linear_projection=True,
            block_out_channels=(320, 640, 1280), transformer_layers_per_block=[1, 2, 10], addition_embed_type="text_time",
            addition_time_embed_dim=256, projection_class_embeddings_input_dim=2816,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"))
        for parameter in unet.parameters():  # what the file will hold
            parameter.copy_(parameter.bfloat16().float())
        inputs = {
            "sample": torch.randn(2, 4, 128, 128, generator=generator), "timestep": torch.tensor([500, 500]),
            "encoder_hidden_states": torch.randn(2, 77, 2048, generator=generator),
            "text_embeds": torch.randn(2, 1280, generator=generator),
            "time_ids": torch.tensor([[1024.0, 1024, 0, 0, 1024, 1024]] * 2),
        }
        clip(CLIPTextModel, "text_encoder", hidden_size=768, intermediate_size=64, num_hidden_layers=2, num_attention_heads=12)
        clip(
            CLIPTextModelWithProjection, "text_encoder_2", hidden_size=1280, intermediate_size=64, num_hidden_layers=2,
            num_attention_heads=20, projection_dim=1280, hidden_act="gelu")
        classes["tokenizer_2"] = classes["tokenizer"]
        widths, scheduler = (32,) * 4, EulerDiscreteScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1)
    output = call_unet(unet.eval(), inputs)
    golden |= {f"unet.{name}": value for name, value in (inputs | {"output": output}).items()}
    (unet if kind == "sd15" else unet.bfloat16()).save_pretrained(f"{folder}/unet")
    del unet
    vae = AutoencoderKL(
        down_block_types=["DownEncoderBlock2D"] * 4, up_block_types=["UpDecoderBlock2D"] * 4, block_out_channels=widths,
        layers_per_block=2, latent_channels=4, sample_size=512).eval()
    vae.save_pretrained(f"{folder}/vae")
    if kind == "sd15":
        latent = torch.randn(1, 4, 64, 64, generator=generator)
        golden |= {"vae.latents": latent, "vae.decoded": vae.decode(latent).sample}
    scheduler.save_pretrained(f"{folder}/scheduler")
    save_file({name: value.contiguous() for name, value in golden.items()}, f"{folder}/golden.safetensors")
    classes |= {"scheduler": ("diffusers", type(scheduler).__name__), "vae": ("diffusers", "AutoencoderKL")}
    name = "StableDiffusionPipeline" if kind == "sd15" else "StableDiffusionXLPipeline"
    # The index last: a folder without it is no model yet.
    with open(f"{folder}/model_index.json", "w") as file:
        json.dump({"_class_name": name, "_diffusers_version": "0.36.0", **classes}, file)


def call_unet(unet, inputs):
    added = {name: inputs[name] for name in ("text_embeds", "time_ids") if name in inputs}
    return unet(
        inputs["sample"], inputs["timestep"], inputs["encoder_hidden_states"], added_cond_kwargs=added or None, return_dict=False
    )[0]


# MARK: What is timed


def prepared(module):
    module = module.eval().to(dtype)
    return module.to(memory_format=torch.channels_last) if options.channels_last else module


def placed(value):
    if not value.is_floating_point():
        return value
    value = value.to(dtype)
    return value.to(memory_format=torch.channels_last) if options.channels_last and value.dim() == 4 else value


def through_openvino(module, inputs, folder, name):
    """The module as OpenVINO's own model, made once a folder."""
    import openvino

    class Positional(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.module = module

        def forward(self, *values):
            return self.module(dict(zip(inputs, values)))

    path = f"{folder}/openvino-{name}.xml"
    if not os.path.exists(path):
        values = tuple(inputs.values())
        model = openvino.convert_model(Positional().eval(), example_input=values, input=[list(v.shape) for v in values])
        openvino.save_model(model, path, compress_to_fp16=False)
        # A process of its own, whose memory is not that of the conversion.
        os.execv(sys.executable, [sys.executable] + sys.argv)
    del module
    precision = {"bfloat16": "bf16", "float32": "f32"}[options.dtype]
    compiled = openvino.Core().compile_model(
        path, "CPU",
        {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": options.threads, "NUM_STREAMS": 1})
    request, values = compiled.create_infer_request(), [value.numpy() for value in inputs.values()]
    return lambda: torch.from_numpy(request.infer(values)[0].copy())


class OfInputs(torch.nn.Module):
    """A network as a function of named inputs."""

    def __init__(self, network, call):
        super().__init__()
        self.network, self.call = network, call

    def forward(self, inputs):
        return self.call(self.network, inputs)


def part(folder, name):
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from safetensors.torch import load_file

    golden = {k[len(name) + 1:]: v for k, v in load_file(f"{folder}/golden.safetensors").items() if k.startswith(name + ".")}
    wanted = golden.pop("output" if name == "unet" else "decoded")
    order = ["sample", "timestep", "encoder_hidden_states", "text_embeds", "time_ids", "latents"]
    inputs = {k: golden[k] for k in order if k in golden}

    def network():
        if name == "unet":
            return OfInputs(UNet2DConditionModel.from_pretrained(f"{folder}/unet", torch_dtype=torch.float32), call_unet)
        return OfInputs(
            AutoencoderKL.from_pretrained(f"{folder}/vae"), lambda vae, inputs: vae.decode(inputs["latents"], return_dict=False)[0])

    if options.backend == "openvino":
        made = None if os.path.exists(f"{folder}/openvino-{name}.xml") else network()
        return through_openvino(made, inputs, folder, name), wanted
    module = prepared(network())
    if options.backend == "compiled":
        module = torch.compile(module)
    inputs = {k: placed(v) for k, v in inputs.items()}
    return (lambda: module(inputs)), wanted


def glide(file):
    sys.path.insert(0, options.glide)
    from glide_text2im.model_creation import create_gaussian_diffusion, create_model_and_diffusion, model_and_diffusion_defaults
    from safetensors.torch import load_file

    # The text is read once a prompt, as its notebooks have it; ours is timed so, too.
    model, _ = create_model_and_diffusion(**(model_and_diffusion_defaults() | {"use_fp16": False, "cache_text_emb": True}))
    model.load_state_dict(torch.load(file))
    golden = load_file(file.replace(".pt", ".golden.safetensors"))
    model.eval()
    if options.dtype == "bfloat16":  # what its own convert_to_fp16 converts
        for blocks in (model.input_blocks, model.middle_block, model.output_blocks):
            for layer in blocks.modules():
                if isinstance(layer, (torch.nn.Conv1d, torch.nn.Conv2d)):
                    layer.bfloat16()
        for layer in list(model.transformer.modules()) + [model.transformer_proj]:
            if isinstance(layer, torch.nn.Linear):
                layer.bfloat16()
        model.dtype = torch.bfloat16
    if options.channels_last:
        model = model.to(memory_format=torch.channels_last)
    inputs = {k.split(".")[-1]: v for k, v in golden.items()}
    x = inputs["x"].to(memory_format=torch.channels_last) if options.channels_last else inputs["x"]
    return (lambda: model(x, inputs["timesteps"], tokens=inputs["tokens"], mask=inputs["mask"])), inputs["output"]


def generate(folder):
    from diffusers import DPMSolverMultistepScheduler, StableDiffusionPipeline

    pipeline = StableDiffusionPipeline.from_pretrained(folder, torch_dtype=dtype, tokenizer=None, safety_checker=None)
    pipeline.scheduler = DPMSolverMultistepScheduler.from_config(pipeline.scheduler.config)
    if options.channels_last:
        pipeline.unet.to(memory_format=torch.channels_last), pipeline.vae.to(memory_format=torch.channels_last)
    # "a house next to a lake in moonlight" and the empty prompt, as CLIP's tokenizer has them.
    words = [49406, 320, 1212, 1131, 531, 320, 2560, 530, 23859, 49407]
    ids = torch.tensor([words + [49407] * (77 - len(words)), [49406] + [49407] * 76])
    states = pipeline.text_encoder(ids)[0]
    image = pipeline(
        prompt_embeds=states[:1], negative_prompt_embeds=states[1:], num_inference_steps=20, guidance_scale=7.5,
        height=512, width=512, generator=torch.Generator().manual_seed(0)).images[0]
    image.save(f"{folder}/peer.png")


def report(seconds, error=None):
    print(json.dumps({
        "step_seconds_minimum": min(seconds), "step_seconds_median": statistics.median(seconds), "error": error,
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))


if options.what == "make":
    make(*options.arguments)
elif options.what == "generate":
    generate(options.arguments[0])
    report([time.clock_gettime(time.CLOCK_BOOTTIME) - float(open("/proc/self/stat").read().rsplit(")", 1)[1].split()[19]) / os.sysconf("SC_CLK_TCK")])
else:
    path = options.arguments[0]
    call, wanted = glide(path) if options.what == "glide" else part(path, {"unet": "unet", "decode": "vae"}[options.what])
    seconds = []
    for _ in range(options.repeat + 1):
        start = time.perf_counter()
        output = call()
        seconds.append(time.perf_counter() - start)
    output = output.float()
    report(seconds[1:], ((output - wanted).norm() / wanted.norm()).item())
