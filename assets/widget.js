// The chat on another site: <script src="…/widget.js" data-key="…" async>.
// One script, no cookie, no other host; it lives in a shadow root and sets text only, never HTML.

(() => {
  const script = document.currentScript;
  const key = script?.dataset.key;
  if (!key || customElements.get("deskbell-chat")) return;
  const home = new URL(script.src).origin;
  const title = script.dataset.title || "Chat with us";

  /** As the server bounds them. */
  const BODY_MAX = 8_192;
  const PAGE = 200;
  /** Messages that wait to be sent; more cannot be written until one is. */
  const OUTBOX_MAX = 20;
  const WAIT_FIRST_MS = 500;
  const WAIT_MAX_MS = 20_000;
  /** Sockets that fail one after the other before we ask by HTTP, and how long we do. */
  const FAILS_MAX = 2;
  const POLL_FOR_MS = 60_000;
  const POLL_S = 25;
  const QUIET_MS = 40_000;
  const TYPING_AGAIN_MS = 3_000;
  const TYPING_MS = 6_000;
  const READ_AFTER_MS = 400;

  const SHEET = `
    :host { all: initial; color-scheme: light dark; --ink: light-dark(#1b2521, #e9ede8); --quiet: light-dark(#56605a, #a3b0a9);
      --card: light-dark(#fffdf9, #171f1c); --line: light-dark(#8f8a7d, #66746d); --main: #1d5748; --soft: light-dark(#efebe1, #26302c); }
    * { box-sizing: border-box; font: 400 15px/1.45 system-ui, sans-serif; color: var(--ink); }
    [hidden] { display: none !important; }
    button { cursor: pointer; border: 0; border-radius: 8px; padding: 8px 14px; background: var(--main); color: #fff; font-weight: 600; }
    button:disabled { opacity: 0.6; cursor: default; }
    button.plain { background: transparent; color: inherit; text-decoration: underline; padding: 6px 8px; font-weight: 400; }
    :focus-visible { outline: 3px solid #d29a2c; outline-offset: 2px; }
    .open { position: fixed; right: 20px; bottom: 20px; z-index: 2147483000; border-radius: 999px; padding: 12px 20px; box-shadow: 0 4px 16px rgb(0 0 0 / 30%); }
    .box { position: fixed; right: 20px; bottom: 20px; z-index: 2147483001; width: min(370px, calc(100vw - 24px)); height: min(560px, calc(100vh - 40px));
      display: grid; grid-template-rows: auto 1fr auto auto; background: var(--card); border: 1px solid var(--line); border-radius: 14px; overflow: hidden; box-shadow: 0 10px 40px rgb(0 0 0 / 35%); }
    header { display: flex; align-items: center; gap: 8px; padding: 8px 8px 8px 16px; background: var(--main); color: #fff; }
    header h2 { flex: 1; margin: 0; font-weight: 600; font-size: 16px; color: #fff; }
    header button { color: #fff; }
    .log { overflow-y: auto; padding: 14px; display: flex; flex-direction: column; gap: 8px; }
    .one { max-width: 85%; padding: 8px 12px; border-radius: 12px; background: var(--soft); white-space: pre-wrap; overflow-wrap: anywhere; }
    .one.own { align-self: flex-end; background: var(--main); color: #fff; }
    .one.own * { color: #fff; }
    .one small { display: block; font-size: 12px; color: var(--quiet); }
    .says { min-height: 24px; padding: 0 16px; font-size: 13px; color: var(--quiet); }
    form { display: grid; gap: 8px; padding: 12px; border-top: 1px solid var(--line); }
    label { font-size: 13px; color: var(--quiet); display: grid; gap: 3px; }
    input, textarea { width: 100%; padding: 8px 10px; border: 1px solid var(--line); border-radius: 8px; background: var(--card); resize: none; }
    .row { display: flex; gap: 8px; justify-content: space-between; align-items: center; }
    @media (prefers-reduced-motion: no-preference) { .box { animation: rise 140ms ease-out; } @keyframes rise { from { transform: translateY(12px); opacity: 0; } } }`;

  /** An element with text and children only. */
  const h = (tag, props = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(props)) {
      if (typeof value === "function") node.addEventListener(name.slice(2), value);
      else if (typeof value === "boolean") node[name] = value;
      else node.setAttribute(name, value);
    }
    node.append(...children.filter(Boolean));
    return node;
  };
  const isOpen = (socket) => socket !== null && socket.readyState === WebSocket.OPEN;
  const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const fresh = () => [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

  /** What is kept for the next page of this site; in memory alone where it may not be kept. */
  const place = `deskbell.chat.${key}`;
  const kept = () => {
    try {
      const found = JSON.parse(localStorage.getItem(place));
      return found?.until > Date.now() ? found : null;
    } catch {
      return null;
    }
  };
  const keep = (state) => {
    try {
      if (state) localStorage.setItem(place, JSON.stringify(state));
      else localStorage.removeItem(place);
    } catch {
      // Then the chat ends with the page.
    }
  };

  /** Asks the desk; throws `{status, code, wait}`, status 0 when it cannot be reached. */
  async function call(method, path, { body, token, signal } = {}) {
    const headers = { Accept: "application/json" };
    if (token) headers.Authorization = `Bearer ${token}`;
    if (body) headers["Content-Type"] = "application/json";
    let reply;
    try {
      reply = await fetch(`${home}/api/v1${path}`, { method, headers, body: body && JSON.stringify(body), credentials: "omit", cache: "no-store", signal });
    } catch {
      throw { status: 0, code: "unreachable" };
    }
    const json = await reply.json().catch(() => ({}));
    if (reply.ok) return json;
    throw { status: reply.status, code: json.error?.code ?? "", wait: Number(reply.headers.get("Retry-After")) || 0 };
  }

  class DeskbellChat extends HTMLElement {
    #state = kept();
    #messages = new Map();
    #files = new Map();
    #socket = null;
    #fails = 0;
    #heard = 0;
    #sending = false;
    #typedAt = 0;
    #typing = null;
    #reading = null;
    #seen = 0;
    #mine = 0;
    #closed = false;
    #life = null;

    connectedCallback() {
      const root = this.attachShadow({ mode: "open" });
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(SHEET);
      root.adoptedStyleSheets = [sheet];
      this.button = h("button", { type: "button", class: "open", "aria-haspopup": "dialog", "aria-expanded": "false", onclick: () => this.show(true) }, title);
      this.log = h("div", { class: "log", role: "log", "aria-live": "polite", "aria-label": "Messages", tabindex: "0" });
      this.says = h("div", { class: "says", role: "status" });
      this.name = h("input", { name: "name", autocomplete: "name", maxlength: "100" });
      this.email = h("input", { name: "email", type: "email", autocomplete: "email", maxlength: "254" });
      this.who = h("div", { class: "row" }, h("label", {}, "Name (optional)", this.name), h("label", {}, "E-mail (optional)", this.email));
      this.text = h("textarea", { rows: "2", maxlength: String(BODY_MAX / 4), "aria-label": "Your message", placeholder: "Your message", oninput: () => this.#type(), onkeydown: (event) => this.#enter(event) });
      this.send = h("button", { type: "submit" }, "Send");
      this.end = h("button", { type: "button", class: "plain", hidden: true, onclick: () => this.#close() }, "End chat");
      this.form = h("form", { onsubmit: (event) => { event.preventDefault(); this.#say(); } }, this.who, this.text, h("div", { class: "row" }, this.end, this.send));
      this.again = h("form", { hidden: true, onsubmit: (event) => { event.preventDefault(); this.#forget(); this.text.focus(); } }, h("span", {}, "This chat is over."), h("button", { type: "submit" }, "New chat"));
      const hide = h("button", { type: "button", class: "plain", onclick: () => this.show(false) }, "Hide");
      this.box = h("section", { class: "box", role: "dialog", "aria-label": title, hidden: true, onkeydown: (event) => event.key === "Escape" && this.show(false) },
        h("header", {}, h("h2", {}, title), hide), this.log, this.says, h("div", {}, this.form, this.again));
      root.append(this.button, this.box);
      document.addEventListener("visibilitychange", () => this.#read());
      addEventListener("online", () => this.#socket ?? this.#begin());
      setInterval(() => this.#look(), 5_000);
      this.#draw();
      if (this.#state) this.#begin();
    }

    /** Opens or hides the dialog; the focus goes along. */
    show(open) {
      this.box.hidden = !open;
      this.button.hidden = open;
      this.button.setAttribute("aria-expanded", String(open));
      (open ? this.text : this.button).focus();
      this.log.scrollTop = this.log.scrollHeight;
      this.#read();
      this.#draw();
    }

    #tell(words) {
      this.says.textContent = words;
    }

    #save() {
      keep(this.#state);
    }

    #forget() {
      this.#life?.abort();
      this.#life = null;
      this.#socket?.close();
      this.#socket = null;
      this.#state = null;
      this.#closed = false;
      this.#messages.clear();
      this.#files.clear();
      [this.#seen, this.#mine] = [0, 0];
      keep(null);
      this.#tell("");
      this.#draw();
    }

    #enter(event) {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#say();
    }

    async #say() {
      const body = this.text.value.trim();
      if (!body || this.send.disabled) return;
      if (this.#state) {
        if (this.#state.outbox.length >= OUTBOX_MAX) return this.#tell("One moment: your last messages are still being sent.");
        this.#state.outbox.push({ client_msg_id: fresh(), body });
        this.text.value = "";
        this.#save();
        this.#draw();
        return this.#flush();
      }
      this.send.disabled = true;
      this.#tell("Sending…");
      const who = { name: this.name.value.trim() || undefined, email: this.email.value.trim() || undefined };
      try {
        const { data } = await call("POST", "/chats/visitor", { body: { key, ...who, body, client_msg_id: fresh() } });
        this.#state = { chat: data.chat.id, token: data.token, until: Date.now() + data.expires_in * 1_000, seq: null, epoch: null, outbox: [], read: 0 };
        this.text.value = "";
        this.#save();
        this.#tell("");
        this.#begin();
      } catch ({ status, wait }) {
        const words = { 0: "We cannot be reached just now. Try again.", 422: "Please check what you wrote.", 429: `Too many chats at once. Try again in ${wait || 10} s.` };
        this.#tell(words[status] ?? "The chat is closed just now.");
      }
      this.send.disabled = false;
      this.#draw();
    }

    /** Sends what waits, in order, each until it is answered: sent twice it is one message. */
    async #flush() {
      if (this.#sending) return;
      this.#sending = true;
      for (let tries = 0; this.#state?.outbox.length; ) {
        const { chat, token, outbox } = this.#state;
        try {
          const { data } = await call("POST", `/chats/${chat}/messages`, { token, body: outbox[0] });
          outbox.shift();
          tries = 0;
          this.#put(data);
          this.#save();
          this.#tell("");
        } catch (error) {
          if (!this.#state || this.#over(error)) break;
          if (error.status === 422) outbox.shift();
          else this.#tell("Not sent yet; trying again.");
          tries += 1;
          await sleep(error.wait * 1_000 || Math.min(WAIT_MAX_MS, WAIT_FIRST_MS * 2 ** tries));
        }
        this.#draw();
      }
      this.#sending = false;
    }

    /** Whether an error says that this chat is over for us. */
    #over({ status, code }) {
      if (![401, 403, 404].includes(status) && code !== "chat_closed" && code !== "chat_full") return false;
      this.#closed = true;
      if (this.#state) this.#state.outbox = [];
      this.#save();
      this.#draw();
      return true;
    }

    /** Hears the chat until it is forgotten: by a socket, or by asking where none gets through. */
    async #begin() {
      if (this.#life) return;
      this.#life = new AbortController();
      const { signal } = this.#life;
      this.#flush();
      for (let tries = 0; !signal.aborted; ) {
        try {
          const good = this.#fails < FAILS_MAX ? await this.#listen(signal) : await this.#poll(signal);
          tries = good ? 0 : tries + 1;
        } catch (error) {
          if (this.#over(error)) break;
          tries += 1;
        }
        if (this.#closed) break;
        if (!signal.aborted) await sleep(Math.min(WAIT_MAX_MS, WAIT_FIRST_MS * 2 ** tries) * (0.5 + Math.random() / 2));
      }
      if (this.#life?.signal === signal) this.#life = null;
    }

    /** One socket's life; answers whether it ever opened. */
    #listen(signal) {
      const { chat, token, seq, epoch } = this.#state;
      const url = new URL("/ws", home);
      url.protocol = url.protocol.replace("http", "ws");
      url.search = new URLSearchParams({ v: 2, rooms: `chat:${chat}`, ...(seq === null ? {} : { since: seq, epoch }) });
      return new Promise((resolve) => {
        const socket = new WebSocket(url, ["bearer", token]);
        this.#socket = socket;
        let opened = false;
        socket.onopen = () => { opened = true; this.#fails = 0; this.#heard = Date.now(); };
        socket.onmessage = ({ data }) => { this.#heard = Date.now(); if (!signal.aborted) this.#frame(JSON.parse(data)); };
        socket.onclose = ({ code }) => {
          if (this.#socket === socket) this.#socket = null;
          if (!opened) this.#fails += 1;
          // Why a socket was refused is not told to pages: whoever asks by HTTP hears it.
          const ended = code === 4001 || code === 4003 || code === 4005;
          if (ended) this.#fails = FAILS_MAX;
          resolve(opened && !ended);
        };
        signal.addEventListener("abort", () => socket.close(), { once: true });
      });
    }

    /** A line that is dead without having been closed. */
    #look() {
      const socket = this.#socket;
      if (!isOpen(socket)) return;
      if (Date.now() - this.#heard > QUIET_MS * 1.5) return socket.close();
      if (Date.now() - this.#heard > QUIET_MS) socket.send(JSON.stringify({ type: "ping" }));
    }

    #frame({ type, payload, seq }) {
      if (type === "hello") {
        if (this.#state.seq === null || !this.#messages.size) this.#load();
        Object.assign(this.#state, { epoch: payload.epoch, seq: this.#state.seq ?? payload.latest_seq });
      } else if (type === "resync_required") {
        this.#state.seq = payload.latest_seq;
        this.#load();
      } else if (type === "typing") this.#writes(payload);
      else if (Number.isInteger(seq)) this.#hear(type, payload, seq);
      this.#save();
    }

    /** Asks for news again and again, for a minute; then a socket may be tried once more. */
    async #poll(signal) {
      const until = Date.now() + POLL_FOR_MS;
      while (!signal.aborted && !this.#closed && Date.now() < until) {
        const { token, seq, epoch } = this.#state;
        const asked = new URLSearchParams(seq === null ? { limit: 1 } : { after: seq, epoch, wait: POLL_S });
        try {
          const { data, meta } = await call("GET", `/events?${asked}`, { token, signal });
          if (signal.aborted) return true;
          if (seq !== null) for (const event of data) this.#hear(event.type, event.data, event.seq);
          Object.assign(this.#state, { seq: seq === null ? meta.latest_seq : meta.next_after, epoch: meta.epoch });
          if (seq === null || !this.#messages.size) await this.#load();
          this.#save();
        } catch (error) {
          if (error.status !== 410) throw error;
          this.#state.seq = null;
        }
      }
      this.#fails = 0;
      return true;
    }

    /** The chat as it stands, from its beginning. */
    async #load() {
      const { chat, token } = this.#state;
      try {
        for (let after = 0, more = true; more; ) {
          const { data, meta } = await call("GET", `/chats/${chat}/messages?after=${after}&limit=${PAGE}`, { token });
          for (const message of data) this.#put(message, false);
          after = data.at(-1)?.number ?? after;
          more = meta.more;
        }
        const { data } = await call("GET", `/chats/${chat}`, { token });
        this.#closed = data.status === "closed";
        for (const read of data.reads) if (read.user_id) this.#seen = Math.max(this.#seen, read.number);
        this.#draw();
        this.#read();
      } catch (error) {
        this.#over(error);
      }
    }

    #hear(type, data, seq) {
      if (this.#state.seq !== null && seq <= this.#state.seq) return;
      this.#state.seq = seq;
      const ours = (data.chat_id ?? data.id) === this.#state.chat;
      if (type.startsWith("chat.message") && ours) this.#put(data);
      else if (type === "attachment.added" && data.parent_type === "chat_message") {
        const files = this.#files.get(data.parent_id) ?? new Map();
        this.#files.set(data.parent_id, files.set(data.id, data));
        this.#draw();
      } else if (type === "chat.read" && ours && data.user_id) this.#seen = Math.max(this.#seen, data.number);
      else if (type === "chat.closed" && ours) this.#closed = true;
      else if (type === "chat.reopened" && ours) this.#closed = false;
      this.#draw();
    }

    #put(message, draw = true) {
      const known = this.#messages.get(message.number);
      if (known && known.version > message.version) return;
      this.#messages.set(message.number, message);
      if (message.author_kind !== "visitor") this.#writes({ active: false });
      else this.#mine = Math.max(this.#mine, message.number);
      // What the socket brought first is no longer on its way.
      if (this.#state) this.#state.outbox = this.#state.outbox.filter((one) => one.client_msg_id !== message.client_msg_id);
      if (message.attachments?.length && !this.#files.has(message.id)) this.#ask(message);
      if (draw) {
        this.#draw();
        this.#read();
      }
    }

    async #ask({ id }) {
      this.#files.set(id, new Map());
      const { chat, token } = this.#state;
      const { data } = await call("GET", `/chats/${chat}/messages/${id}/attachments`, { token }).catch(() => ({ data: [] }));
      for (const file of data) this.#files.get(id)?.set(file.id, file);
      this.#draw();
    }

    /** Says that we write, while we do. */
    #type() {
      if (!isOpen(this.#socket) || Date.now() - this.#typedAt < TYPING_AGAIN_MS) return;
      this.#typedAt = Date.now();
      this.#socket.send(JSON.stringify({ type: "typing", payload: { room: `chat:${this.#state.chat}`, visibility: "public" } }));
    }

    #writes({ user, active }) {
      clearTimeout(this.#typing);
      this.#tell(active ? `${user.name} is writing…` : "");
      if (active) this.#typing = setTimeout(() => this.#tell(""), TYPING_MS);
    }

    /** Says how far was read, once the last message is before somebody's eyes. */
    #read() {
      const last = Math.max(0, ...this.#messages.keys());
      if (this.box.hidden || document.visibilityState !== "visible" || !this.#state || last <= this.#state.read) return;
      clearTimeout(this.#reading);
      this.#reading = setTimeout(() => {
        if (!this.#state) return;
        const { chat, token } = this.#state;
        this.#state.read = last;
        this.#save();
        call("POST", `/chats/${chat}/read`, { token, body: { number: last } }).catch(() => {});
      }, READ_AFTER_MS);
    }

    #bubble({ author_kind: kind, author_name: name, body, deleted_at: gone, edited_at: edited, id, number }) {
      const own = kind === "visitor";
      const files = [...(this.#files.get(id)?.values() ?? [])].map((file) => h("a", { href: home + file.download_url, target: "_blank", rel: "noopener" }, file.filename));
      const seen = own && number === this.#mine && this.#seen >= number;
      const about = [own ? "" : name, edited && !gone ? "edited" : "", seen ? "seen" : ""].filter(Boolean).join(" · ");
      return h("div", { class: `one${own ? " own" : ""}`, dir: "auto" }, h("div", {}, gone ? "(deleted)" : body), ...files.map((file) => h("div", {}, file)), about && h("small", {}, about));
    }

    #draw() {
      const all = [...this.#messages.values()].sort((a, b) => a.number - b.number);
      const waiting = (this.#state?.outbox ?? []).map(({ body }) => h("div", { class: "one own" }, h("div", {}, body), h("small", {}, "sending…")));
      const nodes = [...all.map((one) => this.#bubble(one)), ...waiting];
      const shown = [...this.log.children];
      // What is said already is not said again: only what changed is touched.
      nodes.forEach((node, at) => shown[at]?.isEqualNode(node) || (shown[at] ? shown[at].replaceWith(node) : this.log.append(node)));
      shown.slice(nodes.length).forEach((node) => node.remove());
      if (nodes.length !== shown.length) this.log.scrollTop = this.log.scrollHeight;
      this.who.hidden = this.#state !== null;
      this.end.hidden = this.#state === null;
      this.form.hidden = this.#closed;
      this.again.hidden = !this.#closed;
      const unread = all.filter((one) => one.author_kind !== "visitor" && one.number > (this.#state?.read ?? 0)).length;
      this.button.textContent = unread ? `${title} (${unread} new)` : title;
    }

    async #close() {
      const { chat, token } = this.#state;
      await call("POST", `/chats/${chat}/close`, { token, body: {} }).then(() => { this.#closed = true; }, (error) => this.#over(error));
      this.#draw();
    }
  }

  customElements.define("deskbell-chat", DeskbellChat);
  const put = () => document.body.append(document.createElement("deskbell-chat"));
  if (document.body) put();
  else addEventListener("DOMContentLoaded", put, { once: true });
})();
