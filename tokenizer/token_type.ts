/** The token types of GGUF's `tokenizer.ggml.token_type`. */
export const TokenType = {
  normal: 1,
  unknown: 2,
  control: 3,
  userDefined: 4,
  unused: 5,
  byte: 6,
} as const;

/** Whether tokens of this type are looked for in the text before it is cut into words. */
export function isMatchedWhole(type: number): boolean {
  return type === TokenType.control || type === TokenType.userDefined ||
    type === TokenType.unknown;
}
