import { WEIGHT_FORMATS, weightRowBytes, type WeightType } from "../../kernels/formats.ts";
import { fittingType, mixedType, quantizeRow } from "../../quantize/mod.ts";
import { BLOCK_TYPES, plainBytes } from "../quantizer/plain_block.ts";
import { type Quantizer, quantizer } from "../quantizer/quantizer.ts";
import { type BoundMutant, mutants } from "./mutant.ts";

function quantizeSoundly(type: WeightType, x: Float32Array): Uint8Array {
  const bytes = new Uint8Array(weightRowBytes(type, x.length));
  quantizeRow(type, x, bytes);
  return bytes;
}

/** The engine's own quantizer with one of its parts replaced. */
function quantizerOf(broken: Partial<Quantizer>): () => Quantizer {
  return () => ({ quantize: quantizeSoundly, mixedType, fittingType, ...broken });
}

/** Changes the bytes of a row's blocks, one after another. */
function spoiled(
  spoil: (type: WeightType, block: Uint8Array, x: Float32Array, row: Uint8Array) => void,
): () => Quantizer {
  return quantizerOf({
    quantize(type, x) {
      const row = quantizeSoundly(type, x);
      const { blockSize, blockBytes } = WEIGHT_FORMATS[type];
      for (let block = 0; block < x.length / blockSize; block++) {
        const own = x.subarray(block * blockSize, (block + 1) * blockSize);
        spoil(type, row.subarray(block * blockBytes, (block + 1) * blockBytes), own, row);
      }
      return row;
    },
  });
}

/** Blocks with ranges divided evenly, their quants rounded by a rule. */
function evenly(round: (steps: number) => number): () => Quantizer {
  return quantizerOf({
    quantize(type, x) {
      const sound = quantizeSoundly(type, x);
      if (!BLOCK_TYPES.includes(type)) return sound;
      const { blockSize } = WEIGHT_FORMATS[type];
      const blocks = Array.from(
        { length: x.length / blockSize },
        (_, block) =>
          plainBytes(type, x.subarray(block * blockSize, (block + 1) * blockSize), round),
      );
      return Uint8Array.from(blocks.flatMap((block) => Array.from(block)));
    },
  });
}

const hasMinimum = (type: WeightType) => type === "Q4_K" || type === "Q5_K";

export const quantizerMutants: BoundMutant[] = mutants(quantizer, [
  {
    name: "ranges divided evenly, without a search",
    caughtBy: ["F-QUANT-003"],
    subject: evenly(Math.round),
  },
  {
    name: "quants cut off instead of rounded",
    caughtBy: ["F-QUANT-002", "F-QUANT-003"],
    subject: evenly(Math.trunc),
  },
  {
    name: "the minimum left out",
    caughtBy: ["F-QUANT-002", "F-QUANT-004", "F-QUANT-006"],
    subject: spoiled((type, block) => {
      if (hasMinimum(type)) block.fill(0, 2, 4);
    }),
  },
  {
    name: "the upper bits of the last four scales left out",
    caughtBy: ["F-QUANT-002", "F-QUANT-004"],
    subject: spoiled((type, block) => {
      if (hasMinimum(type)) { for (let i = 4; i < 8; i++) block[i]! &= 63; }
    }),
  },
  {
    name: "the nibbles of Q4_0 in the order of the weights",
    caughtBy: ["F-QUANT-002", "F-QUANT-004"],
    subject: spoiled((type, block) => {
      if (type !== "Q4_0") return;
      const quants = Array.from(
        { length: 32 },
        (_, i) => block[2 + i % 16]! >> (i < 16 ? 0 : 4) & 15,
      );
      for (let i = 0; i < 16; i++) block[2 + i] = quants[2 * i]! | quants[2 * i + 1]! << 4;
    }),
  },
  {
    name: "the fifth bits of Q5_K one group on",
    caughtBy: ["F-QUANT-002", "F-QUANT-004"],
    subject: spoiled((type, block) => {
      if (type !== "Q5_K") return;
      for (let i = 16; i < 48; i++) block[i] = block[i]! << 1 | block[i]! >> 7;
    }),
  },
  {
    name: "NaN and infinity taken for zero",
    caughtBy: ["F-QUANT-005"],
    subject: quantizerOf({
      quantize: (type, x) => quantizeSoundly(type, x.map((w) => Number.isFinite(w) ? w : 0)),
    }),
  },
  {
    name: "scales beyond f16 become infinite",
    caughtBy: ["F-QUANT-006"],
    subject: spoiled((type, block, x) => {
      const at = type === "Q6_K" ? 208 : 0;
      const isHuge = x.some((weight) => Math.abs(weight) > 1e12);
      if (isHuge && BLOCK_TYPES.includes(type)) block.set([0, 0x7c], at);
    }),
  },
  {
    name: "the scale of the first block for all blocks",
    caughtBy: ["F-QUANT-002", "F-QUANT-007"],
    subject: spoiled((type, block, _, row) => {
      if (!BLOCK_TYPES.includes(type)) return;
      const at = type === "Q6_K" ? 208 : 0;
      block.set(row.subarray(at, at + 2), at);
    }),
  },
  {
    name: "a part of a block filled up with zeros",
    caughtBy: ["F-QUANT-001"],
    subject: quantizerOf({
      quantize(type, x) {
        const { blockSize } = WEIGHT_FORMATS[type];
        const whole = new Float32Array(Math.ceil(x.length / blockSize) * blockSize);
        whole.set(x);
        return quantizeSoundly(type, whole);
      },
    }),
  },
  {
    name: "the last eighth of the layers without more bits",
    caughtBy: ["F-QUANT-008"],
    subject: quantizerOf({
      mixedType: (model, role, layer) =>
        mixedType(model, role, layer >= 7 * model.layers / 8 ? 6 : layer),
    }),
  },
  {
    name: "the output head as everything else",
    caughtBy: ["F-QUANT-008"],
    subject: quantizerOf({
      mixedType: (model, role, layer) =>
        mixedType(model, role === "output" ? "attn_q" : role, layer),
    }),
  },
  {
    name: "no fallback for rows that are no whole blocks",
    caughtBy: ["F-QUANT-009"],
    subject: quantizerOf({ fittingType: (wanted) => wanted }),
  },
]);
