// A list on the page that follows a list of things: what did not change is not touched, so that a
// reader's place and the focus stay where they are.

const FOCUSABLE = "a[href], button, input, select, textarea, summary, [tabindex]";

/** Keeps the children of one element. */
export class Keyed {
  #nodes = new Map();

  /** `make(item)` draws one; it is drawn anew when `mark(item)` is another than before. */
  constructor(parent, make, { key = (item) => item.id, mark = (item) => item.version } = {}) {
    this.parent = parent;
    this.make = make;
    this.key = key;
    this.mark = mark;
  }

  /** Shows these, in this order. */
  draw(items) {
    const had = this.#focus();
    const next = new Map();
    let at = this.parent.firstElementChild;
    for (const item of items) {
      const id = this.key(item);
      const mark = this.mark(item);
      const known = this.#nodes.get(id);
      const node = known?.mark === mark ? known.node : this.make(item);
      next.set(id, { node, mark });
      if (known && known.node !== node) {
        if (known.node === at) at = node;
        known.node.replaceWith(node);
      }
      if (node === at) at = at.nextElementSibling;
      else this.parent.insertBefore(node, at);
    }
    const kept = new Set([...next.values()].map(({ node }) => node));
    for (const node of [...this.parent.children]) if (!kept.has(node)) node.remove();
    this.#nodes = next;
    this.#giveBack(had);
  }

  /** Forgets what was drawn, so that all is drawn anew. */
  forget() {
    this.#nodes.clear();
    this.parent.replaceChildren();
  }

  /** The node of one thing, if it is shown. */
  node(id) {
    return this.#nodes.get(id)?.node;
  }

  /** Where the focus is: in which row, and on which of its controls. */
  #focus() {
    const active = document.activeElement;
    if (!active || active === this.parent || !this.parent.contains(active)) return null;
    const rows = [...this.#nodes];
    const place = rows.findIndex(([, { node }]) => node.contains(active));
    if (place < 0) return null;
    const [id, { node }] = rows[place];
    return { active, id, place, control: [...node.querySelectorAll(FOCUSABLE)].indexOf(active) };
  }

  #giveBack(had) {
    if (!had || document.activeElement === had.active) return undefined;
    // A row that was moved keeps its control, but not the focus on it.
    if (had.active.isConnected) return had.active.focus({ preventScroll: true });
    const row = this.#nodes.get(had.id)?.node ?? [...this.#nodes.values()][Math.min(had.place, this.#nodes.size - 1)]?.node;
    const controls = row ? [...row.querySelectorAll(FOCUSABLE)] : [];
    const to = controls[had.control] ?? controls.at(-1) ?? row ?? this.parent;
    if (to.tabIndex < 0) to.setAttribute("tabindex", "-1");
    return to.focus({ preventScroll: true });
  }
}
