"""Golden token numbers from the reference tokenizers, and the vocabularies' own checks.

    python3 -m venv venv
    venv/bin/pip install regex==2026.11.15 ftfy==6.3.1 numpy==2.4.6 transformers==4.57.1 tokenizers==0.22.2
    venv/bin/pip download --no-deps open_clip_torch==3.3.0
    unzip open_clip_torch-3.3.0-py3-none-any.whl -d open_clip_torch
    venv/bin/python Tests/Fixtures/tokenizers/generate.py GLIDE_TEXT2IM_CLONE open_clip_torch

Written with Python 3.11. GPT-2: glide-text2im's `tokenizer/bpe.py`. CLIP: glide-text2im's copy of OpenAI's
`simple_tokenizer.py`; open_clip's is held equal to it (but for the spelling of its special tokens). `transformers`:
its fast CLIP tokenizer. Writes `prompts.json`, `decode.json` and `mojibake.json` here and `html-entities.txt` beside
the merges.
"""

import gzip
import html
import html.entities
import importlib.util
import json
import random
import re
import sys
import tempfile
import types
from pathlib import Path

import ftfy
from transformers import CLIPTokenizerFast

glide, open_clip = Path(sys.argv[1]), Path(sys.argv[2])
here = Path(__file__).resolve().parent
vocabularies = here.parents[2] / "Sources" / "Tokenizers" / "Vocabularies"


def module(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


gpt2 = module("bpe", glide / "glide_text2im/tokenizer/bpe.py").get_encoder()
clip = module("simple_tokenizer", glide / "glide_text2im/tokenizer/simple_tokenizer.py").SimpleTokenizer()
# open_clip's tokenizer names torch in annotations only, as far as `encode` goes.
sys.modules.setdefault("torch", types.SimpleNamespace(Tensor=None, LongTensor=None))
other = module("open_clip_tokenizer", open_clip / "open_clip/tokenizer.py").SimpleTokenizer()

# --- The vocabularies: the files in Sources are their sources', and token numbers follow from them.
clip_lines = gzip.open(open_clip / "open_clip/bpe_simple_vocab_16e6.txt.gz").read().decode().split("\n")[:48895]
assert (vocabularies / "clip-merges.txt").read_text() == "\n".join(clip_lines) + "\n"
gpt2_text = gzip.open(glide / "glide_text2im/tokenizer/vocab.bpe.gz").read()
assert (vocabularies / "gpt2-merges.txt").read_bytes() == gpt2_text
characters = list(module("b", glide / "glide_text2im/tokenizer/bpe.py").bytes_to_unicode().values())
merged = [line.replace(" ", "") for line in gpt2_text.decode().split("\n")[1:-1]]
assert gpt2.encoder == {s: i for i, s in enumerate(characters + merged + ["<|endoftext|>"])}
assert clip.encoder["<|endoftext|>"] == 49407 and len(clip.encoder) == 49408
assert [t for t in clip.encoder][:49406] == [t for t in other.encoder][:49406]

# --- HTML's references, and those that ftfy adds.
codes = lambda text: " ".join(f"{ord(c):X}" for c in text)
lines = [f"{name} {codes(value)}" for name, value in html.entities.html5.items()]
lines += [
    f"+{name[1:]} {codes(value)}"
    for name, value in ftfy.chardata.HTML_ENTITIES.items()
    if name[1:] not in html.entities.html5
]
(vocabularies / "html-entities.txt").write_text("\n".join(sorted(lines)) + "\n")

# --- transformers' fast tokenizer, from the same merges.
with tempfile.TemporaryDirectory() as folder:
    Path(folder, "vocab.json").write_text(json.dumps(clip.encoder))
    Path(folder, "merges.txt").write_text("\n".join(["#version: 0.2"] + clip_lines[1:]) + "\n")
    fast = CLIPTokenizerFast(vocab_file=f"{folder}/vocab.json", merges_file=f"{folder}/merges.txt")

prompts = [
    # English, as people prompt.
    "", " ", "a", "a house next to a lake in moonlight", "A House Next To A Lake In Moonlight", "a corgi wearing a red bowtie and a purple party hat",
    "an oil painting of a hedgehog using a calculator", "a red cube on top of a blue cube", "a surrealist dream-like oil painting by salvador dalí of a cat playing checkers",
    "a professional photo of a sunset behind the grand canyon", "a high-quality oil painting of a psychedelic hamster dragon", "an illustration of albert einstein wearing a superhero costume",
    "a boat in the canals of venice", "a painting of a fox in the style of starry night", "a crayon drawing of a space elevator", "a futuristic city in synthwave style",
    "a pixel art corgi pizza", "a fog rolling into new york", "trending on artstation, 8k, ultra-detailed, (masterpiece:1.2), [blurry|sharp]", "photo of a cat --ar 16:9 --v 5",
    "a photo of a confused grizzly bear in calculus class", "robots meditating in a vipassana retreat", "no text, no watermark; best quality!!!", "3 cats & 2 dogs", "café at night",
    "the year 1984 and the 42nd street", "1234567890", "1,000,000.50 €", "v1.5-pruned_emaonly", "http://example.com/a?b=c&d=e#f", "me@example.com", "C:\\path\\file.txt",
    "snake_case and camelCase and kebab-case", "ALLCAPS lowercase MiXeD", "a\tb", "a\nb", "a\r\nb", "a\rb", "  leading", "trailing  ", " both ", "a  b", "a   b", "a    b   c  d e",
    "\n", "\n\n", "\t\t", "a \n b", "a\n\n\nb", "\n a", "a \t", "   \n   ", "a\u00a0b", "a \u00a0b", "a\u00a0 b", "a\u3000b", "\u2003em\u2009thin\u200ahair", "a\u2028b\u2029c", "a\u1680b", "a\u202fb\u205fc", "x\u0085y",
    # Contractions.
    "it's", "don't", "we're", "I've", "I'm", "she'll", "he'd", "IT'S", "WE'RE", "I'VE", "'s", "''s", "'tis", "'twas", "rock 'n' roll", "o'clock", "y'all'd've", "'re're", "'l 'll 'lll", "'r", "'v", "'",
    "!'s", " 's", "a 's", "dogs' tails", "it\u2019s", "don\u2019t", "\u2018quoted\u2019", "\u201cdouble\u201d", "\u201elow\u201f", "\u02bcmodifier", "it'\u017f", "it'\u017ftop '\u017f", "'\u017f\u017f", "I\u2019LL we\u2019Re", "fish'n'chips", "'D'", "a'sb", "'ll'", "5's 5'11\"",
    # Latin with diacritics.
    "Ein Häuschen am See im Mondlicht", "großes Straßenschild GROẞ", "une maison près d'un lac au clair de lune", "L'été à la plage, où ça ?", "niño pequeño ¿qué? ¡sí!", "São Paulo à noite coração",
    "Žluťoučký kůň úpěl ďábelské ódy", "Zażółć gęślą jaźń", "Árvíztűrő tükörfúrógép", "Þórður á Íslandi", "smørrebrød på bordet Ærø", "İstanbul'da ışık IĞDIR", "Tiếng Việt có dấu thanh", "naïve façade Über coöperate",
    "Ĳsselmeer ĳs ŉ ǅ ǆ Ǉ ǌ", "ﬁnd ﬂuﬃest oﬀ waﬄe ﬅ ﬆ", "Łódź ŁÓDŹ", "Āāēīōū", "ẞ ß ſ K Å", "ȺȾ ⱥ ⱦ", "ʰʲʷ ˢ", "ﬀ", "Dž DŽ",
    # Greek.
    "ένα σπίτι δίπλα σε μια λίμνη στο φεγγαρόφωτο", "ΟΔΥΣΣΕΥΣ ΣΟΦΟΣ Σ", "ΑΣ ΑΣΑ Σ. ΑΣ. ΑΣ' ΑΣ'Α 1Σ Σ1 ΑΣ1", "ΣΊΣΥΦΟΣ,", "Ἀχιλλεύς ᾳ ᾼ ΐ ΰ", "Α\u0301Σ\u0301 Α\u00adΣ\u00ad", "ςσΣ", "μ µ Ω Ω", "Ὀδυσσεύς ΜΆΪΟΣ", "ΑΣ:Β ΑΣ·Β AΣ.", "ǅΣ ªΣ ⓐΣ",
    # Cyrillic.
    "дом у озера в лунном свете", "ДОМ У ОЗЕРА", "Їжак єнот ґанок", "Ёлка ёж Й й", "Љубав Њ Џ", "қазақ ұлы ңөү", "Ѣ ѳ ѵ", "ёлка е\u0308лка и\u0306",
    # Arabic, Hebrew, Persian, Syriac.
    "بيت بجانب بحيرة في ضوء القمر", "الْعَرَبِيَّةُ", "عدد ١٢٣ و ٣٫١٤", "خانه‌ای کنار دریاچه", "۱۲۳۴ فارسی", "לבית ליד אגם לאור ירח", "שָׁלוֹם עֲלֵיכֶם", "ג'ירפה ד\"ר", "ܫܠܡܐ", "אב\u05f3 ג\u05f4", "\u0627\u0653 \u0648\u0654", "لا إله",
    # Indic, Thai, Lao, Khmer, Tibetan, Burmese, Ethiopic, Georgian, Armenian.
    "चाँदनी में झील के किनारे घर", "क्षत्रिय क़ ख़ १२३", "চাঁদের আলোয় বাড়ি ড় য়", "ਘਰ ਝੀਲ ਦੇ ਕੋਲ", "ચાંદની", "நிலவொளியில் ஏரி வீடு கொ", "వెన్నెల ఇల్లు", "ಬೆಳದಿಂಗಳು ಕೊ", "നിലാവ് വീട് കൊ", "සඳ එළිය",
    "บ้านข้างทะเลสาบใต้แสงจันทร์", "น้ำ กำ ๑๒๓", "ເຮືອນ", "ផ្ទះ", "ཁང་པ", "အိမ်", "ቤት በሐይቅ", "სახლი ტბასთან ᲡᲐᲮᲚᲘ", "Ⴀⴀ", "տուն լճի մոտ ՏՈՒՆ և", "ᏣᎳᎩ ꮳꮃꭹ", "ᠮᠣᠩᠭᠣᠯ", "ⵜⴰⵎⴰⵣⵉⵖⵜ", "𐐀𐐨 𞤀𞤢",
    # Chinese, Japanese, Korean, widths.
    "月光下湖边的房子", "月光下湖邊的房子，很美。", "月明かりの湖のそばの家", "カタカナ ｶﾀｶﾅ ｶﾞｷﾞﾊﾟ ﾞ", "ひらがな か\u3099 が は\u309a", "달빛 아래 호숫가의 집", "\u1112\u1161\u11ab 한 ﾡﾢ ￡￥￦ ￩", "ＬＯＵＤ　ＮＯＩＳＥＳ １２３ ！？", "「引用」『本』【括弧】", "〇一二三 ㊀ ㋿ ㍿", "豈 更 侮", "𠮷野家 𩸽", "々〆ヶ", "ｆｏｏ＇ｓ ＂bar＂ ＆amp；", "～〜", "㎏ ㎡ №", "我's 猫'll", "中文English混合123字",
    # Emoji.
    "😀", "a 🏠 next to a 🌊 under the 🌙", "👩‍👩‍👧‍👦 family", "👍🏽 👍🏿👍", "🏳️‍🌈🏴‍☠️", "🇩🇪🇯🇵🇺", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "❤️ ❤ ☀︎", "1️⃣ #️⃣ *️⃣", "🧑🏻‍🚀🚀", "🫠🫡🪿", "☕️☔", "😀😀😀😀", "cat🐱dog", "©®™ ℠",
    # Mathematics, symbols, numbers.
    "∑ ∫ √2 ≈ 1.414 ∞ ≠ ∅ ∀x∈ℝ", "½ ¼ ⅓ ⅔ ↉", "x² + y³ = z⁴ ₂", "Ⅷ ⅷ Ⅻ ↀ", "① ② ⑩ ⓪ Ⓐ", "٣ ३ ๓ 三 ೩", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝟘𝟙𝟚 𝒜", "2×3÷4±5−6", "50% 3‰ 20°C", "→ ← ↔ ⇒", "█▓▒░ ┌─┐", "a—b–c…d", "«guillemets» ‹x›", "§ ¶ † ‡ •", "$5 £6 ¥7 €8 ₹9 ₿1", "½cup 3½", "₀₁ ⁰¹", "𐄇 𒐀 ꘠", "¹²³", "௧௨ ௰", "ൻ ൰",
    # Combining marks, joiners, directions, normal forms.
    "e\u0301 é", "a\u0323\u0302 a\u0302\u0323 ậ", "\u0301", " \u0301x", "Z\u0351\u036b\u0343a\u0323\u030al\u0334go\u0315", "q\u0307\u0323", "\u0344 \u0374 \u037e \u0387 \u1fef", "\u212b \u2126 \u212a", "\u0958 \u09dc \ufb1d \ufb4b", "\u1100\u1161\u11a8\u11a8", "\u0b92\u0bd7", "soft\u00adhyphen", "zero\u200bwidth\u200cjoin\u200der\u2060w", "\u200eltr\u200frtl\u202aembed\u202c", "\u0f71\u0f72\u0f73", "a\u0f73\u0f71", "\u0fb2\u0f81\u0f71", "\u0f75\u0f80", "\u0344\u0323", "\u0ccb \u0cc6\u0cc2\u0cd5", "하\u11ab \u1112\u1161 \uac00\u11a7", "\u2adc \u0340\u0341", "é\u0323\u0323\u0301", "\u1e69 s\u0307\u0323", "\U0001d15e \U0001d1c0",
    # Control characters and their kind.
    "a\x00b", "\x01\x02\x03", "bell\x07", "esc\x1b[31mred\x1b[0m end", "\x1b[1;2", "\x1b[٣m \x1b[;m", "\x7fdel", "vertical\x0btab form\x0cfeed", "fs\x1cgs\x1drs\x1eus\x1f", "\ufeffbom", "in\ufeffside", "\ufffc \ufffd \ufff9", "\u206a\u206f", "\ue000 \uf8ff", "\U0010ffff \ufffe", "\u180e", "\x1b\x1b[0m[0m",
    # Character references.
    "&amp;", "a &lt;b&gt; c", "<b>&amp;</b>", "AT&T", "R&amp;amp;D", "&amp;amp;amp;amp;amp;eacute;", "&eacute;t&eacute;", "&EACUTE;T&EACUTE; P&SZLIG;E", "&nbsp;x&nbsp;y", "&#233; &#xE9; &#XE9;", "&#233 &#xE9 &#x &#", "&#0; &#13; &#128; &#x81; &#x99;", "&#55296; &#x110000; &#99999999999;",
    "&notit; &not it; this&not that", "&copy 2024 &copyright", "&hearts;&spades;", "&#12a; &#59; &semi;", "&quot;q&quot; &apos;s it&#39;s it&rsquo;s", "&unknown; &;", "&&amp;&", "line\n<br>\n&amp;amp;amp;\n", "&amp;amp;amp;\n<br>&amp;amp;amp;", "&lt;|endoftext|&gt;", "&NotEqualTilde; &fjlig; &bne;", "&#x1F600; &#128512;", "&CounterClockwiseContourIntegral; &CounterClockwiseContourIntegralX;", "&ampamp;", "&hellip", "&frac12; &#189;", "&#x1c; &#127; &#xFDD0; &#xFFFF;", "a&lt b&LT;c", "&NTILDE; &nTILDE;", "&Aacute &AACUTE &AACUTE;", "&\u00e9; &é", "&amp ;", "&#x26;amp;amp;", "&#38;lt;", "&longleftrightarrow; &Longleftrightarrow;",
    # Special tokens, as text.
    "<|endoftext|>", "a <|startoftext|> b <|endoftext|>", "<|EndOfText|>", "!<|endoftext|>", "<|endoftext|><|endoftext|>", "<|\u017ftartoftext|>", "a<|endoftext|><|\u017ftartoftext|>b", "?!<|endoftext|>!?", "<start_of_text>", "<|endoftext", "a</w>b </w>", "x<|endoftext|>y",
    # Long.
    "a" * 300, "ab" * 500, "!" * 200, " " * 300 + "x", "x" + " " * 300, "Donaudampfschifffahrtsgesellschaftskapitän", "pneumonoultramicroscopicsilicovolcanoconiosis", "0" * 120, "é" * 100, "😀" * 40, "a house next to a lake in moonlight, " * 12, "🌙" + "z" * 90 + "🌙", "\n" * 100, "-" * 77, "word " * 76, "word " * 75, "word " * 74, "word " * 127, "word " * 128, "word " * 129, "=~" * 60,
]

# Pseudo-random mixtures, so that boundaries meet which nobody thought of. Scalars that Python 3.11 knows (Unicode 14).
draw = random.Random(2021)
pieces = list("abcXYZ0123   \n\t'\"-_.,!?&;#<>|") + ["'s", "'LL", "ſ", "Σ", "σ", "İ", "ı", "é", "e\u0301", "ß", "Я", "ж", "ω", "ع", "ש", "क", "्", "ก", "月", "の", "한", "😀", "👩‍🚀", "\ufe0f", "½", "٣", "²", "Ⅷ", "\u00a0", "\u200d", "\u2019", "\u201c", "ﬁ", "Ａ", "ｶ", "&amp;", "&eacute", "&#39;", "∑", "\u00ad", "\x07"]
prompts += ["".join(draw.choice(pieces) for _ in range(draw.randint(3, 40))) for _ in range(120)]

mojibake = ["cafÃ©", "itâ€™s", "sÃ³", "Â£5", "doesnÃ¢â‚¬â„¢t", "Ã  la mode", "LondonÂ’s", "вЂњцитатаВ»"]


def without_guessing(text):
    """Whether ftfy's repair of wrongly decoded text leaves the prompt alone."""
    return ftfy.fix_text(text) == ftfy.fix_text(text, fix_encoding=False)


assert len(set(prompts)) == len(prompts), [p for p in prompts if prompts.count(p) > 1]
records, guessed = [], list(mojibake)
for prompt in prompts:
    if not without_guessing(prompt):
        guessed.append(prompt)
    ids = clip.encode(prompt)
    if not re.search(r"<\||<start_of_text>|&lt;\|", prompt, re.I):
        assert ids == other.encode(prompt), prompt
    records.append({
        "prompt": prompt, "gpt2": gpt2.encode(prompt), "clip": ids if without_guessing(prompt) else None,
        "transformers": fast(prompt, add_special_tokens=False)["input_ids"],
    })


def write(name, rows):
    text = ",\n".join(json.dumps(row, ensure_ascii=True, separators=(",", ":")) for row in rows)
    (here / name).write_text("[\n" + text + "\n]\n")


write("prompts.json", records)
# What ftfy would guess at: token numbers with the guess, and without (what Moonlit gives).
rows = []
for prompt in guessed:
    with_guess = clip.encode(prompt)
    honest = ftfy.fix_text
    ftfy.fix_text = lambda text: honest(text, fix_encoding=False)
    rows.append({"prompt": prompt, "clip": with_guess, "unguessed": clip.encode(prompt)})
    ftfy.fix_text = honest
write("mojibake.json", rows)

rows = []
for _ in range(60):
    g = [draw.randrange(50257) for _ in range(draw.randint(1, 30))]
    c = [draw.randrange(49408) for _ in range(draw.randint(1, 30))]
    rows.append({"gpt2": g, "gpt2Text": gpt2.decode(g), "clip": c, "clipText": clip.decode(c)})
write("decode.json", rows)
print(len(records), "prompts,", sum(r["clip"] is None for r in records), "of them only in mojibake.json for CLIP;", len(rows), "decodings")
