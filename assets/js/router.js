// Paths to pages with the History API: which page a path means, and what a click on a link does.

/** Turns `/admin/webhooks/:id` into a test that gives `{id}`, or null. */
function matcher(pattern) {
  const names = [];
  const source = pattern.replace(/:(\w+)/g, (_, name) => {
    names.push(name);
    return "([^/]+)";
  });
  const shape = new RegExp(`^${source}/?$`);
  return (path) => {
    const found = shape.exec(path);
    if (!found) return null;
    try {
      return Object.fromEntries(names.map((name, i) => [name, decodeURIComponent(found[i + 1])]));
    } catch {
      return null;
    }
  };
}

/** Calls `show(page, params, path)` for the present path and after every change of it. */
export class Router {
  /** All `pages` lie at `base` or below; `signal` ends the listening. */
  constructor(pages, show, signal, base = "/admin") {
    this.base = base;
    this.table = pages.map((page) => ({ page, test: matcher(page.path) }));
    this.show = show;
    addEventListener("popstate", () => this.refresh(), { signal });
    document.addEventListener("click", (event) => this.#click(event), { signal });
  }

  /** The page and parameters of a path; `page` is null when there is none. */
  find(path) {
    for (const { page, test } of this.table) {
      const params = test(path);
      if (params) return { page, params };
    }
    return { page: null, params: {} };
  }

  /** Shows what the address bar says. */
  refresh() {
    const { page, params } = this.find(location.pathname);
    this.show(page, params, location.pathname);
  }

  /** Goes to a path, as a new step of the history unless `replace`. */
  go(path, { replace = false } = {}) {
    if (replace) history.replaceState(null, "", path);
    else if (path !== location.pathname + location.search) history.pushState(null, "", path);
    this.refresh();
  }

  #click(event) {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target.closest?.("a[href]");
    if (!link || link.target || link.origin !== location.origin) return;
    if (link.pathname !== this.base && !link.pathname.startsWith(`${this.base}/`)) return;
    // A place on this very page, such as the one that the skip link leads to.
    if (link.hash && link.pathname === location.pathname) return;
    event.preventDefault();
    this.go(link.pathname + link.search);
    scrollTo(0, 0);
  }
}
