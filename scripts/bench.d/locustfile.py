"""The journey of journey.toml for Locust. CPU and requests are counted from the moment all users are there."""

import json
import os
import random
import re
import time

from locust import FastHttpUser, constant, events, task

CSRF = re.compile(r'name=csrf value=([0-9a-f]+)')
begun = {}


@events.spawning_complete.add_listener
def on_spawned(**_):
    # Reported more than once; the first time counts.
    begun.setdefault("cpu", time.process_time())
    begun.setdefault("requests", shared["environment"].stats.total.num_requests)


@events.test_stop.add_listener
def on_stop(environment, **_):
    total = environment.stats.total
    with open(os.environ["BENCH_OUT"], "w") as out:
        json.dump(
            {
                "cpu_seconds": time.process_time() - begun["cpu"],
                "requests": total.num_requests - begun["requests"],
                "failures": total.num_failures,
            },
            out,
        )


shared = {}


@events.init.add_listener
def on_init(environment, **_):
    shared["environment"] = environment


class Shopper(FastHttpUser):
    wait_time = constant(0)
    created = 0

    def __init__(self, *arguments):
        super().__init__(*arguments)
        Shopper.created += 1
        self.user = f"shopper{Shopper.created}"

    def ask(self, method, path, *, user=True, check=None, name=None, **more):
        with self.client.request(method, path, name=name, catch_response=True, **more) as answer:
            if user and answer.headers.get("x-user") != self.user:
                answer.failure("another user")
            elif check and not check(answer):
                answer.failure("not as expected")
            return answer

    @task
    def shop(self):
        self.client.cookiejar.clear()
        form = self.ask("GET", "/login", user=False, headers={"accept": "text/html"})
        csrf = CSRF.search(form.text).group(1)
        fields = {"username": self.user, "password": "secret", "csrf": csrf}
        self.ask("POST", f"/session?user={self.user}", name="/session", data=fields)
        self.ask("PUT", "/preferences", json={"theme": "dark"})
        for _ in range(2):
            self.ask("GET", f"/catalogue?page={random.randint(1, 20)}", name="/catalogue")
        self.ask("GET", f"/catalogue/item-{random.randint(1, 200)}", name="/catalogue/item")
        for _ in range(3):
            item = {"item": f"item-{random.randint(1, 200)}", "quantity": random.randint(1, 3)}
            self.ask("POST", "/cart", json=item)
        self.ask("GET", "/cart", check=lambda answer: answer.json()["count"] == 3)
        self.ask("GET", "/preferences", check=lambda answer: answer.json()["theme"] == "dark")
        self.ask("GET", "/me", check=lambda answer: answer.json()["user"] == self.user)
