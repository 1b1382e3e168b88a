// The files of a ticket, a comment or a message: chosen, listed, downloaded, added with their
// progress, deleted.

import { address, api, lanes, newKey, sentence, upload } from "./api.js";
import { ask } from "./dialog.js";
import { fill, h, icon, toast } from "./dom.js";

/** What the server takes: bytes of a file, and files of one ticket, comment or message. */
export const FILE_MAX = 25 * 1024 * 1024;
export const FILES_MAX = 10;

/** Lists that are read, and files that are sent, at a time. */
const reading = lanes(4);
const sending = lanes(2);

/** Files on their way. They go on when the page shows something else, but not when it closes. */
let underWay = 0;
addEventListener("beforeunload", (event) => underWay > 0 && event.preventDefault());

/** `1.4 MB` of a number of bytes. */
export function bytes(size) {
  if (!Number.isFinite(size)) return "";
  if (size < 1000) return `${size} B`;
  if (size < 999_500) return `${Math.round(size / 1000)} kB`;
  return `${(size / 1_000_000).toFixed(1)} MB`;
}

/** What is wrong with a file before it is sent; nothing for a good one. */
export function refusal(file) {
  if (file.size === 0) return "It is empty.";
  return file.size > FILE_MAX ? `It has ${bytes(file.size)}; at most ${bytes(FILE_MAX)} are taken.` : "";
}

/**
 * The files of what is at `path`. `mayDelete(file)` is asked when they are drawn. The
 * owner tells it of events with {@link Files.put} and {@link Files.remove}.
 */
export class Files {
  #files = new Map();
  #gone = new Set();
  #sending = new Map();

  constructor(path, { mayDelete, signal }) {
    this.path = path;
    this.mayDelete = mayDelete;
    this.signal = signal;
    this.node = h("ul", { class: "files", "aria-label": "Files" });
    this.draw();
  }

  /** How many there are, on their way included. */
  get count() {
    return this.#files.size + this.#sending.size;
  }

  /** Reads the list. */
  async load() {
    const { data } = await reading(() => api.get(`${this.path}/attachments`, { signal: this.signal }));
    this.#files = new Map((data ?? []).filter(({ id }) => !this.#gone.has(id)).map((file) => [file.id, file]));
    this.draw();
  }

  /** A file that was added or changed. */
  put(file) {
    if (this.#gone.has(file.id) || (this.#files.get(file.id)?.version ?? 0) > file.version) return;
    this.#files.set(file.id, file);
    this.draw();
  }

  /** A file that was deleted. */
  remove(id) {
    this.#gone.add(id);
    if (this.#files.delete(id)) this.draw();
  }

  /** Sends a file; what goes wrong stands beside its name, with a way to try again. */
  async add(file) {
    const bar = h("progress", { max: "1", value: 0, "aria-label": `Sending ${file.name}` });
    const row = h("li", { class: "file" });
    const key = newKey();
    this.#sending.set(file, row);
    this.draw();
    const send = async () => {
      fill(row, icon("clip", 15), h("bdi", { class: "file-name" }, file.name), bar);
      underWay += 1;
      try {
        const { data } = await sending(() => upload(`${this.path}/attachments`, file, { key, progress: (share) => { bar.value = share; } }));
        this.#sending.delete(file);
        this.put(data);
      } catch (error) {
        if (this.signal.aborted) return toast(`${file.name} was not sent. ${sentence(error)}`);
        fill(row, icon("warn", 15), h("bdi", { class: "file-name" }, file.name),
          h("span", { class: "file-error", role: "alert" }, sentence(error)),
          h("button", { type: "button", class: "button button-s", onclick: send }, "Try again"),
          h("button", { type: "button", class: "button button-s button-plain", onclick: () => { this.#sending.delete(file); this.draw(); } }, "Leave it"));
      } finally {
        underWay -= 1;
      }
      return undefined;
    };
    await send();
  }

  draw() {
    const rows = [...this.#files.values()].map((file) => this.#row(file));
    fill(this.node, rows, [...this.#sending.values()]);
    this.node.hidden = this.node.childElementCount === 0;
  }

  #row(file) {
    const link = h("a", { class: "file-name", href: address(`/attachments/${file.id}/download`), download: "" },
      icon("down", 15), h("bdi", {}, file.filename));
    const bin = this.mayDelete(file) && h("button", {
      type: "button", class: "button button-s button-plain button-icon", "aria-label": `Delete the file ${file.filename}`, title: "Delete this file",
      onclick: () => this.#delete(file),
    }, icon("bin", 15));
    return h("li", { class: "file" }, link, h("span", { class: "quiet small nowrap" }, bytes(file.size)), bin);
  }

  async #delete(file) {
    if (!(await ask({ title: "Delete this file?", words: `${file.filename} will be gone for everybody.`, yes: "Delete file" }))) return;
    try {
      await api.delete(`/attachments/${file.id}`, { signal: this.signal });
      this.remove(file.id);
    } catch (error) {
      if (error.status === 404) return this.remove(file.id);
      if (!this.signal.aborted) this.node.append(h("li", { class: "file-error", role: "alert" }, sentence(error)));
    }
  }
}

/** Files that go with what is being written, once it is sent. `node` shows them. */
export class Staged {
  /**
   * Keeps them in `files`. `refused(lines)` hears why some are not taken, or that all are; `back()`
   * gives the focus away when one was left out.
   */
  constructor({ files = [], thing, refused, back }) {
    Object.assign(this, { files, thing, refused, back });
    this.node = h("ul", { class: "files", "aria-label": "Files to send" });
    this.#draw();
  }

  add(files) {
    const wrong = files.map((file) => [file, refusal(file)]).filter(([, why]) => why).map(([file, why]) => `${file.name}: ${why}`);
    const good = files.filter((file) => !refusal(file));
    const room = FILES_MAX - this.files.length;
    if (good.length > room) wrong.push(`A ${this.thing} takes at most ${FILES_MAX} files.`);
    this.files.push(...good.slice(0, room));
    this.refused(wrong);
    this.#draw();
  }

  /** All of them; none are left. */
  take() {
    const files = this.files.splice(0);
    this.#draw();
    return files;
  }

  #draw() {
    fill(this.node, this.files.map((file) => h("li", { class: "file" }, icon("clip", 15), h("bdi", { class: "file-name" }, file.name),
      h("span", { class: "quiet small nowrap" }, bytes(file.size)),
      h("button", {
        type: "button", class: "button button-s button-plain button-icon", "aria-label": `Leave out ${file.name}`, title: "Leave it out",
        onclick: () => {
          this.files.splice(this.files.indexOf(file), 1);
          this.#draw();
          this.back();
        },
      }, icon("close", 14)))));
    this.node.hidden = this.files.length === 0;
  }
}

/** Makes `zone` take files that are dropped on it; `take(files)` gets them. */
export function dropZone(zone, take, signal) {
  const carries = (event) => event.dataTransfer?.types?.includes("Files");
  let depth = 0;
  const mark = (change) => {
    depth = Math.max(0, depth + change);
    zone.classList.toggle("dropping", depth > 0);
  };
  zone.addEventListener("dragenter", (event) => carries(event) && mark(1), { signal });
  zone.addEventListener("dragleave", (event) => carries(event) && mark(-1), { signal });
  zone.addEventListener("dragover", (event) => carries(event) && event.preventDefault(), { signal });
  zone.addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    mark(-depth);
    take([...event.dataTransfer.files]);
  }, { signal });
}

/** A button that asks for files. */
export function fileButton(words, take) {
  const input = h("input", { type: "file", multiple: true, hidden: true, tabindex: "-1", "aria-hidden": "true" });
  input.addEventListener("change", () => {
    take([...input.files]);
    input.value = "";
  });
  return [h("button", { type: "button", class: "button button-s button-plain", onclick: () => input.click() }, icon("clip", 16), words), input];
}
