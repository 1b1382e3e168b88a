"""Runs the Python that the pages offer to receivers.

Reads {"code", "inputs": [{"secret", "headers", "body"}]}; prints [event or null].
"""

import json
import sys

given = json.load(sys.stdin)
names = {}
exec(given["code"], names)


def read(one):
    try:
        return names["read_delivery"](one["secret"], one["headers"], one["body"].encode())
    except ValueError:
        return None


print(json.dumps([read(one) for one in given["inputs"]]))
