// A thread's private working area inside this memory. Globals are per instance, and every thread
// has its own instance over the shared memory, so each is told its own address once.
export let scratch: usize = 0;

export function setScratch(address: usize): void {
  scratch = address;
}
