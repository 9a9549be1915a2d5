"""The Celery carrier: a broker tells workers on any machine which job is due.

The row stays the truth. A message only says "look at this job": one that comes twice finds it
leased or gone, one that is lost is sent again while the job stays due.
"""

import asyncio
import logging
import threading
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from celery import Celery
from celery.exceptions import Reject
from celery.worker import WorkController, state
from celery.worker.consumer import Consumer

from lacewing.kernel.db import transaction
from lacewing.kernel.errors import Unavailable
from lacewing.kernel.jobs import store
from lacewing.kernel.jobs.embedded import FAILURE_PAUSE_SECONDS, STOP_SECONDS, rest
from lacewing.kernel.jobs.runner import Runner

QUEUE: Final = "lacewing-jobs"
TASK: Final = "lacewing.run_job"
SENT_AGAIN_AFTER: Final = timedelta(minutes=2)
"""A job that is still due so long after it was sent is taken for lost on the way. (One whose worker
died becomes due anew, and is sent at once.)"""
SENT_AT_ONCE: Final = 100
ASK_SECONDS: Final = 0.5
CONNECT_SECONDS: Final = 3
BROKER_SECONDS: Final = 5
"""How long a broker may take to answer before it counts as down."""
RECONNECT_SECONDS_MAX: Final = 5
HEARTBEAT_SECONDS: Final = 30
SENDERS: Final = 2
REDIS_PUTS_BACK_SECONDS: Final = 3_600

_log = structlog.get_logger(__name__)


def make_celery(url: str) -> Celery:
    """Celery as we need it: JSON alone, late acknowledgement, no results, clear time limits."""
    if url.startswith("redis"):
        options: dict[str, Any] = {
            "socket_timeout": BROKER_SECONDS,
            "socket_connect_timeout": CONNECT_SECONDS,
            "socket_keepalive": True,
            "retry_on_timeout": False,
            # Redis knows no acknowledgement: what was taken by a worker that died is put back.
            "visibility_timeout": REDIS_PUTS_BACK_SECONDS,
            "unacked_restore_interval": BROKER_SECONDS,
            "unacked_restore_throttle": 1,
        }
    else:
        options = {
            "confirm_publish": True,
            "read_timeout": BROKER_SECONDS,
            "write_timeout": BROKER_SECONDS,
        }
    app = Celery("lacewing", broker=url, set_as_current=False, fixups=[])
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        task_default_queue=QUEUE,
        task_ignore_result=True,
        task_acks_late=True,
        task_publish_retry=False,
        result_backend=None,
        broker_transport_options={
            **options,
            "max_retries": 1,
            "interval_start": 0,
            "interval_step": 0,
            "interval_max": 0,
        },
        broker_connection_timeout=CONNECT_SECONDS,
        broker_pool_limit=SENDERS,
        broker_connection_retry=True,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_channel_error_retry=True,
        broker_heartbeat=HEARTBEAT_SECONDS,
        worker_prefetch_multiplier=1,
        worker_send_task_events=False,
        worker_enable_remote_control=False,
        worker_detect_quorum_queues=False,
        worker_cancel_long_running_tasks_on_connection_loss=True,
        worker_enable_prefetch_count_reduction=False,
        enable_utc=True,
        timezone="UTC",
    )
    return app


class Sender:
    """Tells the broker of each job that is due, until a worker has taken it."""

    def __init__(self, url: str, runner: Runner) -> None:
        self._app = make_celery(url)
        self._is_redis = url.startswith("redis")
        self._runner = runner
        self._threads = ThreadPoolExecutor(SENDERS, thread_name_prefix="send-jobs")

    async def run(self, stopping: asyncio.Event) -> None:
        """Send until ``stopping``."""
        while not stopping.is_set():
            await rest(stopping, await self._send_due())
        await asyncio.get_running_loop().run_in_executor(None, self._close)

    async def _send_due(self) -> float:
        """How long to wait before the next look."""
        try:
            sent = await self._send_some()
        except Unavailable as error:
            _log.warning("jobs_not_sent", reason=error.detail)
        except Exception as error:  # ruff: ignore[blind-except]  brokers fail in many ways; all are tried again
            _log.warning("broker_unavailable", reason=f"{type(error).__name__}: {error}"[:200])
        else:
            return 0 if sent == SENT_AT_ONCE else ASK_SECONDS
        return FAILURE_PAUSE_SECONDS

    async def _send_some(self) -> int:
        runner = self._runner
        now = runner.clock()
        due = await store.list_unsent(
            runner.database.session(),
            runner.kind_names,
            now,
            now - SENT_AGAIN_AFTER,
            SENT_AT_ONCE,
        )
        if due:
            loop = asyncio.get_running_loop()
            sending = loop.run_in_executor(self._threads, self._send, due)
            await asyncio.wait_for(sending, BROKER_SECONDS * 2)
            # Afterwards: a crash in between sends them twice, which does no harm.
            async with transaction(runner.database) as session:
                await store.mark_sent(session, due, now)
        return len(due)

    def _send(self, job_ids: list[UUID]) -> None:
        options: dict[str, Any] = {} if self._is_redis else {"confirm_timeout": BROKER_SECONDS}
        for job_id in job_ids:
            self._app.send_task(
                TASK, [str(job_id)], queue=QUEUE, retry=False, ignore_result=True, **options
            )

    def _close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._app.pool.force_close_all()
        self._app.close()


class CeleryCarrier:
    """Sends what is due and runs what comes, in a worker of its own."""

    def __init__(self, url: str, runner: Runner, concurrency: int) -> None:
        self._sender = Sender(url, runner)
        self._consumer = _JobConsumer(url, runner, concurrency)

    async def run(self, stopping: asyncio.Event) -> None:
        """Carry until ``stopping``; what runs then is finished, or put back."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._sender.run(stopping))
            tasks.create_task(self._consumer.run(stopping))


class _JobConsumer:
    """Celery's own worker in a thread; its threads hand each job to the event loop."""

    def __init__(self, url: str, runner: Runner, concurrency: int) -> None:
        self._app = make_celery(url)
        self._runner = runner
        self._concurrency = concurrency
        self._running: set[Future[bool]] = set()

    async def run(self, stopping: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        # Celery's threads look their tasks up in the default application.
        self._app.set_default()

        def run_job(job_id: str) -> None:
            running = asyncio.run_coroutine_threadsafe(self._run_job(job_id), loop)
            self._running.add(running)
            try:
                running.result()
            except CancelledError:
                raise Reject("The worker stops.", requeue=True) from None
            finally:
                self._running.discard(running)

        self._app.task(run_job, name=TASK, acks_late=True, ignore_result=True)
        logging.getLogger("celery").setLevel(logging.WARNING)  # jobs are told of by our own logs
        while not stopping.is_set():
            controller, thread = self._start()
            while thread.is_alive() and not stopping.is_set():
                await rest(stopping, FAILURE_PAUSE_SECONDS)
            if not stopping.is_set():
                _log.error("celery_ended", detail="It is started again.")
        await self._stop(controller, thread)

    def _start(self) -> tuple[WorkController, threading.Thread]:
        state.should_stop = state.should_terminate = None
        controller = WorkController(
            app=self._app,
            pool="threads",
            consumer_cls=_Careful,
            concurrency=self._concurrency,
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
        )
        thread = threading.Thread(target=controller.start, name="celery", daemon=True)
        thread.start()
        return controller, thread

    async def _run_job(self, job_id: str) -> bool:
        try:
            wanted = UUID(job_id)
        except ValueError:
            _log.warning("not_a_job", job_id=job_id[:100])
            return False
        try:
            return await self._runner.run_this(wanted)
        except Unavailable as error:
            _log.warning("jobs_wait", reason=error.detail)
            return False

    async def _stop(self, controller: WorkController, thread: threading.Thread) -> None:
        state.should_stop = 0
        if controller.hub is not None:
            controller.hub.call_soon(lambda: None)  # wakes it
        await asyncio.to_thread(thread.join, STOP_SECONDS)
        for running in list(self._running):
            running.cancel()
        await asyncio.to_thread(thread.join, STOP_SECONDS)
        state.should_stop = None
        state.reset_state()


class _Careful(Consumer):  # type: ignore[misc]  # Celery has no types
    """Takes messages of our own shape alone, and comes back whenever the broker does."""

    def ensure_connected(self, conn: Any) -> Any:
        conn.ensure_connection(
            self._tell_failure,
            None,
            interval_start=1,
            interval_step=1,
            interval_max=RECONNECT_SECONDS_MAX,
            callback=state.maybe_shutdown,
        )
        self.first_connection_attempt = False
        return conn

    def create_task_handler(self, *arguments: Any, **options: Any) -> Any:
        handle = super().create_task_handler(*arguments, **options)

        def take(message: Any) -> None:
            if _is_ours(message):
                handle(message)
            else:
                _log.warning("foreign_message_refused")
                message.reject_log_error(logging.getLogger(__name__), self.connection_errors)

        return take

    @staticmethod
    def _tell_failure(error: Exception, seconds: float) -> None:
        reason = f"{type(error).__name__}: {error}"[:200]
        _log.warning("broker_unavailable", reason=reason, retry_in_seconds=seconds)


def _is_ours(message: Any) -> bool:
    """Whether it is what ``Sender`` sends: any other might end the consumer, or never be due."""
    headers = message.headers
    if not isinstance(headers, dict) or headers.get("task") != TASK:
        return False
    odd = ("eta", "expires", "group", "stamps", "stamped_headers")
    if not isinstance(headers.get("id"), str) or any(headers.get(name) for name in odd):
        return False
    if headers.get("timelimit") not in (None, [None, None]):
        return False
    try:
        body = message.payload
    except Exception:  # ruff: ignore[blind-except]  whatever a decoder raises
        return False
    match body:
        case [[str()], {}, dict(embedded)] if not any(embedded.values()):
            return True
    return False
