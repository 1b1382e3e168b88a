// One ticket.

import { h } from "../dom.js";
import { OneTicket } from "../one-ticket.js";
import { Thread } from "../thread.js";

async function mount(root, { params, user, signal }) {
  const one = new OneTicket(user, signal);
  const ticket = await one.open(params.id);
  root.append(h("h1", {}, ticket.subject), new Thread(one, signal).node);
}

export default { title: "Ticket", mount };
