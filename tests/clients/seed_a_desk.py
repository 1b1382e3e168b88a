"""What the scripts of the ticketing document do over REST, with `requests`."""

import requests


class Desk:
    """Somebody who is signed in."""

    def __init__(self, url, email, password):
        self.url = url
        self.session = requests.Session()
        signed_in = self.ask("POST", "/api/auth/login", {"email": email, "password": password})
        self.token = signed_in["access_token"]
        self.session.headers["Authorization"] = f"Bearer {self.token}"

    def ask(self, method, path, body=None):
        answer = self.session.request(method, self.url + path, json=body, timeout=20)
        answer.raise_for_status()
        return answer.json()["data"]

    def upload(self, path, name, content):
        answer = self.session.post(self.url + path, files={"file": (name, content)}, timeout=20)
        answer.raise_for_status()
        return answer.json()["data"]

    def make_test_data(self):
        """A ticket, a comment, an article, a file and a user, changed here and there."""
        ticket = self.ask("POST", "/api/tickets", {"subject": "Server Issue"})
        at = f"/api/tickets/{ticket['id']}"
        self.ask("PATCH", at, {"status": "in_progress"})
        comment = self.ask("POST", f"{at}/comments", {"body": "It is slow"})
        self.ask("PATCH", f"/api/comments/{comment['id']}", {"body": "It is slow at noon"})
        self.upload(f"{at}/attachments", "load.csv", b"noon,97\n")
        article = {"title": "Slow servers", "body": "Look at noon."}
        self.ask("POST", "/api/kb/articles", article)
        user = {"email": "new@example.com", "name": "New", "role": "customer"}
        user = self.ask("POST", "/api/users", user)
        self.ask("DELETE", f"/api/users/{user['id']}")
        return {
            "tickets": [self.rest(at)],
            "comments": self.ask("GET", f"{at}/comments"),
            "articles": self.ask("GET", "/api/kb/articles"),
            "attachments": self.ask("GET", f"{at}/attachments"),
            "users": [],
        }

    def rest(self, path):
        """An entity without what only staff see by REST."""
        entity = self.ask("GET", path)
        for field in (
            "first_response_due_at",
            "resolution_due_at",
            "last_activity_at",
            "internal_note_count",
        ):
            entity.pop(field, None)
        return entity


# The order in which `make_test_data` rings.
RINGS = [
    "ticket_created",
    "ticket_updated",
    "comment_on_ticket",
    "comment_updated",
    "attachment_added",
    "kb_article_created",
    "user_created",
    "user_deleted",
]
