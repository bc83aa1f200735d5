"""Django settings; everything that differs between installations comes from the environment."""

from importlib.metadata import distribution
from pathlib import Path

import environ
import plotly
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from algorithms import forking

env = environ.Env()

BASE_DIR = Path(__file__).resolve().parent.parent
VAR = Path(env.str("LAB_VAR", default=str(BASE_DIR / "var"))).resolve()
"""Everything the application writes to disk: artifacts, checkpoints, logs."""
STUDIES_DIR = Path(env.str("LAB_STUDIES", default=str(BASE_DIR / "studies")))
"""Studies, one YAML file each."""

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="")
if not SECRET_KEY:
    raise ImproperlyConfigured("SECRET_KEY is not set. `make up` makes one; servers set their own.")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "django.forms",
    "django_htmx",
    "axes",
    "bootstrap",
    "fontawesome",
    "webapp.components",
    "webapp.accounts",
    "webapp.jobs",
    "webapp.datasets",
    "webapp.policies",
    "webapp.curation",
    "webapp.catalogue",
    "webapp.experiments",
    "webapp.results",
    "webapp.labs",
    "webapp.studies",
    "webapp.api",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "webapp.urls"
ASGI_APPLICATION = "webapp.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

DATABASES = {"default": env.db_url("DATABASE_URL", default="postgres://127.0.0.1:5432/lab")}
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="redis://127.0.0.1:6379/0")

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25
AXES_LOCKOUT_TEMPLATE = "accounts/locked_out.html"
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "experiments:list"
LOGOUT_REDIRECT_URL = "accounts:login"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

STATIC_URL = "static/"
STATIC_ROOT = VAR / "static"
STATICFILES_DIRS = [
    BASE_DIR / "webapp" / "static",
    ("plotly", Path(plotly.__file__).parent / "package_data"),
    # STIX Two Math: many systems have no font that browsers can set MathML in
    ("fonts", Path(str(distribution("ziamath").locate_file("ziamath/fonts")))),
]
WHITENOISE_USE_FINDERS = True

SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.bool("LAB_HTTPS", default=False)
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        # plotly.js writes style elements and attributes
        "style-src": [SELF, "'unsafe-inline'"],
        "img-src": [SELF, "data:", "blob:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}

DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 2**20
LAB_UPLOAD_MAX_BYTES = env.int("LAB_UPLOAD_MAX_BYTES", default=512 * 2**20)
"""Largest dataset file that a person may upload."""
LAB_LEASE_S = env.int("LAB_LEASE_S", default=60)
"""A running job whose lease was not renewed for so long is given to another worker."""
LAB_LEASE_RENEW_S = env.int("LAB_LEASE_RENEW_S", default=15)
LAB_STOP_GRACE_S = env.int("LAB_STOP_GRACE_S", default=20)
"""Seconds between SIGTERM and SIGKILL of a job's process group."""
LAB_SWEEP_S = env.int("LAB_SWEEP_S", default=15)
LAB_WORKER_TIMEOUT_S = env.int("LAB_WORKER_TIMEOUT_S", default=60)
"""A worker without a heartbeat for so long counts as gone."""
LAB_HANG_S = env.int("LAB_HANG_S", default=300)
"""A job's process that gave no sign of life for so long is killed and its job tried again."""
LAB_FORK_RUNNERS = env.bool("LAB_FORK_RUNNERS", default=forking.is_safe())
"""Jobs' processes are forked from one that has imported torch: they start at once (ADR 5)."""
LAB_RETRY_SCALE = env.float("LAB_RETRY_SCALE", default=1.0)
"""Multiplies the waits before a failed job is tried again (webapp/jobs/failures.py)."""

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}
