// With whom an agent speaks: agents' states name their call by its id, this page wants a name.

import { api, lanes } from "../api.js";
import { otherSide } from "./words.js";

/** Calls remembered; the oldest goes first. */
const KEEP_MAX = 200;

const asking = lanes(2);

/** Dispatches `learned` when the other side of a call became known. */
export class CallNames extends EventTarget {
  #labels = new Map();

  /** Asks until `signal` aborts. */
  constructor(signal) {
    super();
    this.signal = signal;
  }

  /** The other side of a call in a few words; undefined until it was asked for. */
  label(id) {
    if (!this.#labels.has(id)) this.#ask(id);
    return this.#labels.get(id);
  }

  async #ask(id) {
    this.#labels.set(id, undefined);
    if (this.#labels.size > KEEP_MAX) this.#labels.delete(this.#labels.keys().next().value);
    try {
      const { data } = await asking(() => api.get(`/calls/${id}`, { signal: this.signal }));
      this.#labels.set(id, otherSide(data));
      this.dispatchEvent(new Event("learned"));
    } catch {
      // The next time it is drawn asks again.
      this.#labels.delete(id);
    }
  }
}
