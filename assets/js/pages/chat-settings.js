// What a tenant decided about its chats, for administrators: whether visitors are let in and from
// which sites, whose new chats are, and the line that goes into a site's pages.

import { api, ApiError, sentence } from "../api.js";
import { ask } from "../dialog.js";
import { directory } from "../directory.js";
import { copyButton, empty, fill, h, icon, note, toast } from "../dom.js";
import { field, fieldError, input, onSubmit, showError } from "../form.js";

const PATH = "/chats/settings";

const snippetOf = (key) => `<script src="${location.origin}/widget.js" data-key="${key}" data-title="Chat with us" async></script>`;

class ChatSettings {
  constructor(settings) {
    this.settings = settings;
    this.visitors = h("input", { type: "checkbox", name: "visitors" });
    this.sites = h("textarea", { class: "input", rows: "4", spellcheck: "false", autocapitalize: "off" });
    this.team = h("select", { class: "input" });
    this.cap = input({ inputmode: "numeric", autocomplete: "off", maxlength: "3" });
    this.form = h("form", { class: "card stack chat-settings", "aria-label": "Settings of chats" },
      h("div", { "data-message": true }),
      h("div", { class: "field", "data-field": "visitors" }, h("label", { class: "check" }, this.visitors, "Visitors of our sites may begin chats")),
      field("sites", "Sites that show the chat", this.sites, "One a line: https and the host, as in the address of its pages up to the path; at most 20"),
      h("div", { class: "pair" }, field("team_id", "New chats are for", this.team),
        field("max_per_agent", "Chats in hand", this.cap, "1 to 100; with so many, nobody is given another one by a team's rule")),
      h("div", { class: "row" }, h("button", { type: "submit", class: "button button-main" }, "Save")));
    this.line = h("section", { class: "card stack", "aria-labelledby": "chat-line" });
    this.node = h("div", { class: "stack" }, this.form, this.line);
    onSubmit(this.form, () => this.#save());
    this.#fill();
  }

  #fill() {
    const { visitors, sites, team_id: chosen, max_per_agent: cap } = this.settings;
    this.visitors.checked = visitors;
    this.sites.value = sites.join("\n");
    this.cap.value = cap;
    const known = directory.teams.map(({ id, name }) => [id, name]);
    if (chosen && !known.some(([id]) => id === chosen)) known.push([chosen, directory.teamName(chosen)]);
    fill(this.team, [["", "No team"], ...known].map(([value, words]) => h("option", { value, selected: value === (chosen ?? "") }, words)));
    this.#drawLine();
  }

  /** The line for a site's pages, and what keeps it from working. */
  #drawLine() {
    const { key, visitors, sites } = this.settings;
    const title = h("h2", { id: "chat-line" }, "The chat on your sites");
    if (!key) return fill(this.line, title, h("p", { class: "quiet" }, "The line that goes into your pages stands here once you have saved."));
    const why = !visitors ? "Visitors are not let in now, so this line shows nothing." : sites.length === 0 ? "No site is named above, so this line works nowhere yet." : null;
    const text = snippetOf(key);
    return fill(this.line, title, h("p", {}, "Put this line into every page that is to show it:"), why && note("info", why),
      h("div", { class: "code" }, h("pre", { tabindex: "0", "aria-label": "The line for your pages" }, text), copyButton(() => text, "Copy")),
      h("div", { class: "row" }, h("button", { type: "button", class: "button", onclick: () => this.#newKey() }, icon("key", 16), "Make a new key")));
  }

  async #save() {
    const cap = this.cap.value.trim();
    if (!/^\d{1,3}$/.test(cap)) {
      fieldError(this.form, "max_per_agent", "A number, 1 to 100");
      return this.cap.focus();
    }
    const sites = this.sites.value.split("\n").map((site) => site.trim()).filter(Boolean);
    await this.#change({ visitors: this.visitors.checked, sites, team_id: this.team.value || null, max_per_agent: Number(cap) });
    this.#fill();
    return toast("Saved");
  }

  async #newKey() {
    const sure = await ask({ title: "Make a new key?", words: "Pages with the line of before show no chat any more, until they have the new one. Chats that were begun go on.", yes: "Make a new key" });
    if (!sure) return;
    try {
      await this.#change({ new_key: true });
      this.#drawLine();
      this.line.querySelector("pre").focus();
      toast("There is a new key");
    } catch (error) {
      showError(this.form, error);
    }
  }

  async #change(edit) {
    try {
      this.settings = (await api.patch(PATH, { ...edit, version: this.settings.version })).data;
    } catch (error) {
      if (error.code !== "version_conflict") throw error;
      this.settings = (await api.get(PATH)).data;
      this.#fill();
      throw new ApiError(409, { message: "Somebody else changed these settings meanwhile. This is how they stand now; change them again where you like." });
    }
  }
}

function mount(root, { signal }) {
  const place = h("div", {}, h("div", { class: "card" }, empty("One moment", "Reading the settings…")));
  root.append(h("header", { class: "page-head" }, h("div", {}, h("h1", {}, "Chat settings"), h("p", {}, "Who may begin a chat, where, and whose it is then.")),
    h("a", { class: "button", href: "/admin/chats" }, icon("back", 16), "Chats")), place);
  const load = async () => {
    try {
      const [{ data }] = await Promise.all([api.get(PATH, { signal }), directory.load()]);
      if (!signal.aborted) fill(place, new ChatSettings(data).node);
    } catch (error) {
      if (!signal.aborted) fill(place, note("bad", sentence(error)), h("button", { type: "button", class: "button", onclick: load }, "Try again"));
    }
  };
  load();
}

export default { title: "Chat settings", mount };
