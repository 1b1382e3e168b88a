// Talks to the server: one place that knows how replies are wrapped, and what an error is.

const BASE = "/api/v1";

/** A reply that is not success, or no reply at all (`status` 0). */
export class ApiError extends Error {
  constructor(status, { code, message, fields, current, ...rest } = {}, retryAfter = null) {
    super(message ?? "Something went wrong");
    this.name = "ApiError";
    this.status = status;
    this.code = code ?? "";
    /** What is wrong with each field, by its name. */
    this.fields = fields ?? {};
    /** After `version_conflict`: the row as it is now. */
    this.current = current ?? null;
    /** Seconds after which another try may succeed, where the server said so. */
    this.retryAfter = retryAfter;
    this.rest = rest;
  }
}

/** Hears `signed-out` when the session has ended. */
export const session = new EventTarget();

const SIGNED_IN = "deskbell.signed-in";

/**
 * Whether somebody is signed in here, as far as a script may know: the cookie is out of its reach,
 * and asking the server in vain would leave an error in the console of everybody who comes first.
 */
export function seemsSignedIn() {
  try {
    return localStorage.getItem(SIGNED_IN) !== null;
  } catch {
    return true;
  }
}

/** Notes for the next visit whether somebody is signed in. */
export function noteSignedIn(yes) {
  try {
    if (yes) localStorage.setItem(SIGNED_IN, "yes");
    else localStorage.removeItem(SIGNED_IN);
  } catch {
    // Then the next visit asks the server.
  }
}

/** A key under which the server does something once, however often it is asked. */
export function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

const UNREACHABLE = { code: "unreachable", message: "The server cannot be reached. Check the connection and try again." };

async function call(method, path, body, { signal, quiet401 = false, key = null } = {}) {
  const options = { method, signal, credentials: "same-origin", headers: { Accept: "application/json" }, cache: "no-store" };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers["Content-Type"] = "application/json";
  }
  if (key) options.headers["Idempotency-Key"] = key;
  let reply;
  try {
    reply = await fetch(BASE + path, options);
  } catch (cause) {
    if (cause.name === "AbortError") throw cause;
    throw new ApiError(0, UNREACHABLE);
  }
  const text = await reply.text().catch(() => "");
  return read(reply.status, text, reply.headers.get("Retry-After"), quiet401);
}

/** What an answer says: `{data, meta, status}`, or an {@link ApiError} is thrown. */
function read(status, text, retryAfter, quiet401 = false) {
  let json = null;
  try {
    json = JSON.parse(text);
  } catch {
    // A proxy in between may answer in HTML; the status says enough.
  }
  const good = status >= 200 && status < 300 && json?.success !== false;
  if (good) return { data: json?.data ?? null, meta: json?.meta ?? {}, status };
  const after = Number.parseInt(retryAfter ?? "", 10);
  const error = new ApiError(status, json?.error ?? { message: plain(status) }, Number.isFinite(after) ? after : null);
  if (status === 401 && !quiet401) session.dispatchEvent(new Event("signed-out"));
  throw error;
}

/** Sends one file as the part `file`; `progress(share)` hears how far it is, 0 to 1. */
export function upload(path, file, { signal, key, progress = () => {} } = {}) {
  // fetch() does not tell how much of a body has left.
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const form = new FormData();
    form.append("file", file, file.name);
    request.open("POST", BASE + path);
    request.setRequestHeader("Accept", "application/json");
    if (key) request.setRequestHeader("Idempotency-Key", key);
    request.upload.addEventListener("progress", (e) => e.lengthComputable && progress(e.loaded / e.total));
    request.addEventListener("error", () => reject(new ApiError(0, UNREACHABLE)));
    request.addEventListener("abort", () => reject(new DOMException("stopped", "AbortError")));
    request.addEventListener("load", () => {
      try {
        resolve(read(request.status, request.responseText, request.getResponseHeader("Retry-After")));
      } catch (error) {
        reject(error);
      }
    });
    signal?.addEventListener("abort", () => request.abort(), { once: true });
    request.send(form);
  });
}

/** The address of something of the API, for links that download. */
export const address = (path) => BASE + path;

function plain(status) {
  if (status === 502 || status === 503 || status === 504) return "The server is not ready. Try again in a moment.";
  return `The server answered ${status} and did not say why.`;
}

/** Each returns `{data, meta, status}` or throws an {@link ApiError}. */
export const api = {
  get: (path, options) => call("GET", path, undefined, options),
  post: (path, body = {}, options) => call("POST", path, body, options),
  put: (path, body, options) => call("PUT", path, body, options),
  patch: (path, body, options) => call("PATCH", path, body, options),
  delete: (path, options) => call("DELETE", path, undefined, options),
};

/** `?a=1&b=2` of what is given; absent values are left out. */
export function query(values) {
  const pairs = Object.entries(values).filter(([, v]) => v !== null && v !== undefined && v !== "");
  return pairs.length ? `?${new URLSearchParams(pairs)}` : "";
}

/** A sentence for a person, whatever was thrown; aborted requests give none. */
export function sentence(error) {
  if (error?.name === "AbortError") return "";
  if (!(error instanceof ApiError)) {
    console.error(error);
    return "Something went wrong in this page. Reload it and try again.";
  }
  const wait = error.retryAfter ? ` Try again in ${error.retryAfter} s.` : "";
  const text = error.message;
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".") + wait;
}

/** Does jobs in turn, `max` at a time: `await turn(() => api.get(…))`. */
export function lanes(max) {
  const waiting = [];
  let busy = 0;
  return async (job) => {
    if (busy >= max) await new Promise((resolve) => waiting.push(resolve));
    else busy += 1;
    try {
      return await job();
    } finally {
      // Whoever waited longest takes over this one's place.
      const next = waiting.shift();
      if (next) next();
      else busy -= 1;
    }
  };
}
