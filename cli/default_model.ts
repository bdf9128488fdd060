/** The small trained model that ships with the program: what `run` takes when it is given none. */
export const DEFAULT_MODEL: URL = new URL("../models/small.gguf", import.meta.url);
