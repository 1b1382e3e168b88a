"""Checks deliveries as their receivers would: with the example of the quick start, word for word,
and with the packages `standardwebhooks` and `svix`.

Reads `[{"secret", "headers", "body"}]` from standard input; prints `[{"plain", "standard",
"svix"}]`. A delivery with a true `moved` was signed under a clock that was moved: its own time is
then the present of its check.
"""
import hmac
import hashlib
import json
import sys
from contextlib import contextmanager
from datetime import datetime

import standardwebhooks
import standardwebhooks.webhooks as library
import svix.webhooks


def verify_signature(payload, signature, secret):
    expected = hmac.new(
        secret.encode(),
        payload.encode(),
        hashlib.sha256
    ).hexdigest()
    return hmac.compare_digest(signature, f"sha256={expected}")


@contextmanager
def present(seconds):
    class Moved(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.fromtimestamp(seconds, tz)

    library.datetime = Moved
    try:
        yield
    finally:
        library.datetime = datetime


def verify_by(webhook_of, delivery):
    # A secret of the standard is base64 behind a prefix; any other is used as it is.
    secret = delivery["secret"]
    webhook = webhook_of(secret if secret.startswith("whsec_") else secret.encode())
    try:
        if delivery.get("moved"):
            with present(int(delivery["headers"]["webhook-timestamp"])):
                webhook.verify(delivery["body"], delivery["headers"])
        else:
            webhook.verify(delivery["body"], delivery["headers"])
        return True
    except standardwebhooks.WebhookVerificationError:
        return False


print(json.dumps([
    {
        "plain": verify_signature(d["body"], d["headers"]["x-webhook-signature"], d["secret"]),
        "standard": verify_by(standardwebhooks.Webhook, d),
        "svix": verify_by(svix.webhooks.Webhook, d),
    }
    for d in json.load(sys.stdin)
]))
