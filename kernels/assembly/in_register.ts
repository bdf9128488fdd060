import { scratch } from "./scratch";

/**
 * `constant`, by way of memory. V8 makes a vector constant anew wherever it is used, in three
 * instructions; what was loaded before a loop stays in a register. That alone made some loops run
 * twice as fast.
 */
@inline
export function inRegister(constant: v128): v128 {
  v128.store(scratch, constant);
  return v128.load(scratch);
}
