"""Writes kernels/fixtures/dequantize.json: random blocks of each tensor type that the kernels
multiply, and the weights that the gguf package (llama.cpp's own, independent of ggml's C code)
makes of them. Run by hand: pip install gguf numpy; python tools/dequantize_fixtures.py
"""

import base64
import json
from pathlib import Path

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import dequantize

BLOCKS = {"F32": 16, "F16": 64, "BF16": 64, "Q4_0": 4, "Q8_0": 4, "Q4_K": 3, "Q5_K": 3, "Q6_K": 3}
# Where the f16 scales stand in a block, and so what must be finite.
SCALES = {"Q4_0": [0], "Q8_0": [0], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]}

generator = np.random.default_rng(1)


def random_blocks(name, count, size):
    blocks = generator.integers(0, 256, (count, size), dtype=np.uint8)
    for offset in SCALES.get(name, []):
        scales = generator.normal(size=count).astype(np.float16)
        scales[0] = 3e-6  # a subnormal
        blocks[:, offset : offset + 2] = scales.view(np.uint8).reshape(count, 2)
    if name in ("F16", "BF16", "F32"):
        values = generator.normal(size=count).astype(np.float32)
        if name == "F16":
            values = values.astype(np.float16)
            values[:4] = [3e-6, -6e-8, 65504, -0.0]
        if name == "BF16":
            values = (values.view(np.uint32) >> 16).astype(np.uint16)
        blocks = values.view(np.uint8).reshape(count, size)
    return blocks


def text(array):
    return base64.b64encode(array.tobytes()).decode()


fixtures = {}
for name, count in BLOCKS.items():
    kind = GGMLQuantizationType[name]
    blocks = random_blocks(name, count, GGML_QUANT_SIZES[kind][1])
    weights = dequantize(blocks.reshape(-1), kind).astype(np.float32)
    fixtures[name] = {"bytes": text(blocks), "weights": text(weights)}

path = Path(__file__).parent.parent / "kernels" / "fixtures" / "dequantize.json"
path.parent.mkdir(exist_ok=True)
path.write_text(json.dumps(fixtures, indent=2) + "\n")
