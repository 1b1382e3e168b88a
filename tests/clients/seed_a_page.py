"""The pages of the ticketing document as a model: what they show, and what each notification and
each entity that comes with one changes about that. Nothing is fetched again.
"""

COLLECTIONS = {
    "ticket": "tickets",
    "comment": "comments",
    "user": "users",
    "kb_article": "articles",
    "attachment": "attachments",
}


class Page:
    """Lists by kind, a bell with a badge, and what popped up."""

    def __init__(self):
        self.bell = []
        self.badge = 0
        self.toasts = []
        self.refetches = []
        self.lists = {name: {} for name in COLLECTIONS.values()}

    def handle_notification(self, notification):
        """The bell: newest first, one more on the badge, the message for all to see."""
        self.bell.insert(0, notification)
        self.badge += 1
        self.toasts.append(notification["message"])
        # What a page without the data would have to ask for again.
        for word in ("ticket", "comment"):
            if word in notification["type"]:
                self.refetches.append(word)
                break

    def update_entity(self, related_type, data):
        """The lists: what is there is replaced, what is new is added, what is deleted goes."""
        items = self.lists[COLLECTIONS[related_type]]
        if data.get("deleted_at"):
            items.pop(data["id"], None)
        else:
            items[data["id"]] = data

    def take(self, body):
        """One webhook body, or one argument of the event `notification`: they agree."""
        self.handle_notification(body["notification"])
        self.update_entity(body["notification"]["related_type"], body["data"])

    def shown(self):
        return {
            "badge": self.badge,
            "toasts": self.toasts,
            "types": [one["type"] for one in reversed(self.bell)],
            "refetches": self.refetches,
            "lists": {name: list(items.values()) for name, items in self.lists.items()},
        }
