/** The small model that ships with the program: what `run` takes when it is given none. */
export const DEFAULT_MODEL: URL = new URL("../models/random.gguf", import.meta.url);
