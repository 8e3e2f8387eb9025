from typing import Any

import django_rq
from django.core.management.base import BaseCommand

from hitl_project.periodic import schedule
from hitl_project.scheduler import Scheduler


class Command(BaseCommand):
    help = "Puts the periodic jobs on their queues, by the clock. One per installation is enough; two do no harm."

    def handle(self, *args: Any, **options: Any) -> None:
        scheduler = Scheduler(connection=django_rq.get_connection("pipeline"))
        scheduler.add(schedule())
        scheduler.start()  # type: ignore[no-untyped-call]
