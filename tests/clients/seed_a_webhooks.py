"""What `test_webhooks.py` of the ticketing document does: signs in, sets the webhook, sends a test,
makes data, looks at what was received, and lets a page follow it.

    python seed_a_webhooks.py    reads {"url", "email", "password"}, prints what it found
"""

import hashlib
import hmac
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from seed_a_desk import RINGS, Desk
from seed_a_page import Page

received, changed = [], threading.Condition()


class Receiver(BaseHTTPRequestHandler):
    """The endpoint of a small web application."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with changed:
            received.append((self.path, dict(self.headers.items()), body))
            changed.notify_all()
        answer = json.dumps({"status": "received"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def wait_for(count):
    with changed:
        if not changed.wait_for(lambda: len(received) >= count, timeout=20):
            sys.exit(f"{len(received)} of {count} came: {received}")


task = json.load(sys.stdin)
server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=server.serve_forever, daemon=True).start()
path = "/api/webhooks/notifications"

desk = Desk(task["url"], task["email"], task["password"])
# As the document has it: the address, and nothing else.
made = desk.ask(
    "PUT", "/api/users/me/webhook", {"webhook_url": f"http://127.0.0.1:{server.server_port}{path}"}
)
test = desk.ask("POST", "/api/users/me/webhook/test", {})
wait_for(1)
rest = desk.make_test_data()
wait_for(1 + len(RINGS))

signed = all(
    hmac.compare_digest(
        headers["x-webhook-signature"],
        "sha256=" + hmac.new(made["secret"].encode(), body, hashlib.sha256).hexdigest(),
    )
    for _, headers, body in ((p, {k.lower(): v for k, v in h.items()}, b) for p, h, b in received)
)
page = Page()
# Two deliveries may be under way at once; their numbers tell the order.
in_order = sorted(
    received[1:], key=lambda r: int({k.lower(): v for k, v in r[1].items()}["x-webhook-seq"])
)
for _, _, body in in_order:
    page.take(json.loads(body))
log, give_up = [], time.monotonic() + 20
while len(log) < len(received) and time.monotonic() < give_up:
    # Written down after the answer, many at a time.
    log = desk.ask("GET", "/api/users/me/webhook/logs")
    time.sleep(0.02)

print(
    json.dumps(
        {
            "test": [test["success"], json.loads(received[0][2])["notification"]["type"]],
            "paths": sorted({p for p, _, _ in received}),
            "signed": signed,
            "page": page.shown(),
            "rest": rest,
            "expected": RINGS,
            "logged": len(log),
        }
    )
)
