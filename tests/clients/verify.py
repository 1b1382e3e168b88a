"""Checks deliveries as their receivers would: with the example of the quick start, word for word,
and with the `standardwebhooks` package.

Reads `[{"secret", "headers", "body"}]` from standard input; prints `[{"plain", "standard"}]`.
"""
import hmac
import hashlib
import json
import sys

from standardwebhooks import Webhook, WebhookVerificationError


def verify_signature(payload, signature, secret):
    expected = hmac.new(
        secret.encode(),
        payload.encode(),
        hashlib.sha256
    ).hexdigest()
    return hmac.compare_digest(signature, f"sha256={expected}")


def verify_standard(payload, headers, secret):
    # A secret of the standard is base64 behind a prefix; any other is used as it is.
    webhook = Webhook(secret if secret.startswith("whsec_") else secret.encode())
    try:
        webhook.verify(payload, headers)
        return True
    except WebhookVerificationError:
        return False


print(json.dumps([
    {
        "plain": verify_signature(d["body"], d["headers"]["x-webhook-signature"], d["secret"]),
        "standard": verify_standard(d["body"], d["headers"], d["secret"]),
    }
    for d in json.load(sys.stdin)
]))
