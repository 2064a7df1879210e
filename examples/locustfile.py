"""Locust users for a server of your own: `locust -f examples/locustfile.py --host http://127.0.0.1:8080`."""

from locust import between, task

from loadtests.stamped import StampedUser


class Ticker(StampedUser):
    """Subscribes on a WebSocket. Reports how old a price is when it arrives, and how long an answer takes."""

    weight = 3

    @task
    def listen(self):
        with self.websocket("/ticker") as socket:
            sent_ns = socket.send('{"subscribe": "EURUSD"}')
            self.report("subscribed", socket.receive(), since_ns=sent_ns)
            for message in socket.messages(timeout=30):
                self.report("price", message, since_ns=message.json()["made_at_ns"])


class Follower(StampedUser):
    """Follows an event stream, and comes back after the last event when it breaks."""

    @task
    def follow(self):
        with self.events("/headlines", reconnects=True) as events:
            for event in events:
                if event.event == "headline":
                    self.report("headline", event, since_ns=event.json()["made_at_ns"])


class Reader(StampedUser):
    """Asks for what is newest, on a connection that is kept, and reads a report line by line."""

    wait_time = between(0.2, 0.4)

    @task(5)
    def ask(self):
        response = self.get("/latest", headers={"Accept": "application/json"})
        if response.status == 200:
            self.report("headline, polled", response, since_ns=response.json()["made_at_ns"])

    @task
    def read(self):
        with self.lines("/report", json={"days": 7}) as lines:
            for line in lines:
                self.report("line", line, since_ns=lines.sent_ns)


# ruff: noqa: ANN201, D102 -- as people write locustfiles
