"""The build graph: jobs, their inputs, attempts, artifacts, points and logs, and the workers."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from webapp.jobs.states import FINISHED, FailureClass, JobState

QUEUE_ORDER = ("-priority", "id")
"""In which queued jobs are claimed: of one priority those first that were launched first, even if
they became ready later; what was launched first is whole first."""


class Worker(models.Model):
    """One Celery worker process: one job at a time."""

    name = models.CharField(max_length=200)
    """Name, host and process id; a restarted worker is a new row."""
    labels = ArrayField(models.CharField(max_length=40))
    """Queues it serves."""
    hostname = models.CharField(max_length=200)
    pid = models.IntegerField()
    devices = models.JSONField(default=dict, blank=True)
    """Cores, memory and accelerators it reported."""
    started_at = models.DateTimeField(auto_now_add=True)
    heartbeat_at = models.DateTimeField(db_index=True)
    stopped_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class Job(models.Model):
    """One node of the graph: a kind, a spec and inputs, executed by one worker at a time."""

    kind = models.CharField(max_length=40)
    title = models.CharField(max_length=200)
    """What it makes, in words."""
    spec = models.JSONField()
    fingerprint = models.CharField(max_length=64, unique=True)
    code_version = models.CharField(max_length=40)
    """Version of the code that computes the kind (and algorithm); part of the fingerprint."""
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True
    )
    created_at = models.DateTimeField(auto_now_add=True)

    state = models.CharField(max_length=20, choices=JobState, default=JobState.WAITING)
    label = models.CharField(max_length=40, default="cpu")
    """The queue it asks for."""
    priority = models.IntegerField(default=0)
    """Higher runs earlier."""
    queued_at = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)
    """A retry waits until then."""

    attempt = models.IntegerField(default=0)
    """Grows with every claim, never shrinks: the fencing token of every write."""
    attempts_used = models.IntegerField(default=0)
    """Claims since a person last asked for the job."""
    max_attempts = models.IntegerField(default=3)
    worker = models.ForeignKey(Worker, on_delete=models.SET_NULL, null=True, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    stop_requested_at = models.DateTimeField(null=True, blank=True)
    """A person asked a running job to stop."""

    progress_done = models.BigIntegerField(default=0)
    progress_total = models.BigIntegerField(default=0)
    progress_unit = models.CharField(max_length=40, blank=True)
    progress_rate = models.FloatField(null=True, blank=True)
    """Units per second, measured over this attempt."""
    progress_at = models.DateTimeField(null=True, blank=True)

    failure_class = models.CharField(max_length=20, choices=FailureClass, blank=True)
    failure_message = models.TextField(blank=True)
    failure_detail = models.TextField(blank=True)
    """Traceback or the last lines of output, for us."""
    failure_reference = models.CharField(max_length=16, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=JobState.values), name="job_state_is_known"
            ),
            models.CheckConstraint(
                condition=~Q(state=JobState.RUNNING) | Q(lease_expires_at__isnull=False),
                name="running_job_has_a_lease",
            ),
            models.CheckConstraint(
                condition=~Q(state=JobState.FAILED) | ~Q(failure_class=""),
                name="failed_job_has_a_class",
            ),
            models.CheckConstraint(
                condition=Q(attempts_used__lte=F("attempt")), name="attempts_used_within_attempts"
            ),
        ]
        indexes = [
            models.Index(
                fields=["label", *QUEUE_ORDER],
                condition=Q(state=JobState.QUEUED),
                name="job_queue_order",
            ),
            models.Index(
                fields=["lease_expires_at"],
                condition=Q(state=JobState.RUNNING),
                name="job_running_leases",
            ),
        ]

    def __str__(self) -> str:
        return f"job {self.pk}: {self.title}"

    @property
    def is_finished(self) -> bool:
        """Whether nothing more happens without a person."""
        return self.state in FINISHED


class JobInput(models.Model):
    """An edge: `job` reads the artifact of `source` under the name `role`."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="inputs")
    role = models.CharField(max_length=40)
    source = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="dependents")
    checkpoint = models.PositiveIntegerField(null=True, blank=True)
    """Updates after which the policy was kept that is meant; empty for the artifact itself."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["job", "role"], name="one_input_per_role"),
        ]

    def __str__(self) -> str:
        return f"{self.role} of job {self.job_id}"


class Attempt(models.Model):
    """One claim of a job: who ran it, when, and how it ended."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="attempts")
    number = models.IntegerField()
    worker_name = models.CharField(max_length=200)
    started_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=20, blank=True)
    """The job state it led to; empty while it runs."""
    failure_class = models.CharField(max_length=20, choices=FailureClass, blank=True)
    message = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["job", "number"], name="one_row_per_attempt"),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number} of job {self.job_id}"


class Artifact(models.Model):
    """The immutable output of a job."""

    job = models.OneToOneField(Job, on_delete=models.CASCADE, related_name="artifact")
    path = models.CharField(max_length=300)
    """Folder, relative to the artifact store."""
    size_bytes = models.BigIntegerField()
    manifest_sha256 = models.CharField(max_length=64)
    summary = models.JSONField(default=dict)
    """Final figures, see docs/architecture.md."""
    attempt = models.IntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"artifact of job {self.job_id}"


class MetricPoint(models.Model):
    """One value of one metric at one optimizer step."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="points")
    name = models.CharField(max_length=60)
    step = models.IntegerField()
    samples = models.BigIntegerField()
    tokens = models.BigIntegerField()
    seconds = models.FloatField()
    value = models.FloatField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["job", "name", "step"], name="one_point_per_step"),
        ]

    def __str__(self) -> str:
        return f"{self.name} at step {self.step} of job {self.job_id}"


class JobEvent(models.Model):
    """Something that a job found wrong with itself: an alarm of a sentinel."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="events")
    attempt = models.IntegerField()
    """The one that raised it first; an attempt that repeats the step raises it no second time."""
    sentinel = models.CharField(max_length=40)
    step = models.IntegerField()
    text = models.TextField()
    value = models.FloatField()
    limit = models.FloatField()
    stops = models.BooleanField()
    """Whether it ended the job."""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["job", "sentinel", "step"], name="one_event_per_sentinel_and_step"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sentinel} at step {self.step} of job {self.job_id}"

    @property
    def title(self) -> str:
        """The sentinel's name in words."""
        return self.sentinel.replace("_", " ").capitalize()


class LogLine(models.Model):
    """One line that a job said."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="log_lines")
    attempt = models.IntegerField()
    at = models.DateTimeField()
    level = models.CharField(max_length=10, default="info")
    text = models.TextField()

    class Meta:
        indexes = [models.Index(fields=["job", "id"], name="log_lines_in_order")]

    def __str__(self) -> str:
        return self.text
