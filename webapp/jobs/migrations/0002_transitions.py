"""Copy the transition table into the database and refuse every other change of state."""

from django.db import migrations

TRANSITIONS = [
    ("waiting", "queued"),
    ("waiting", "cancelled"),
    ("queued", "running"),
    ("queued", "waiting"),
    ("queued", "cancelled"),
    ("running", "succeeded"),
    ("running", "failed"),
    ("running", "cancelled"),
    ("running", "queued"),
    ("running", "waiting"),
    ("failed", "queued"),
    ("failed", "waiting"),
    ("cancelled", "queued"),
    ("cancelled", "waiting"),
    ("succeeded", "queued"),
    ("succeeded", "waiting"),
]

ROWS = ", ".join(f"('{old}', '{new}')" for old, new in TRANSITIONS)

FORWARD = f"""
CREATE TABLE jobs_transition (
    from_state varchar(20) NOT NULL,
    to_state varchar(20) NOT NULL,
    PRIMARY KEY (from_state, to_state)
);
INSERT INTO jobs_transition VALUES {ROWS};

CREATE FUNCTION jobs_check_transition() RETURNS trigger AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM jobs_transition WHERE from_state = OLD.state AND to_state = NEW.state
    ) THEN
        RAISE EXCEPTION 'job % cannot go from % to %', OLD.id, OLD.state, NEW.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'job_transition_is_allowed';
    END IF;
    RETURN NEW;
END $$ LANGUAGE plpgsql;

CREATE TRIGGER jobs_job_transition BEFORE UPDATE OF state ON jobs_job
    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state)
    EXECUTE FUNCTION jobs_check_transition();

CREATE FUNCTION jobs_check_attempt() RETURNS trigger AS $$
BEGIN
    IF NEW.attempt < OLD.attempt THEN
        RAISE EXCEPTION 'the attempt number of job % cannot shrink', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'job_attempt_only_grows';
    END IF;
    RETURN NEW;
END $$ LANGUAGE plpgsql;

CREATE TRIGGER jobs_job_attempt BEFORE UPDATE OF attempt ON jobs_job
    FOR EACH ROW EXECUTE FUNCTION jobs_check_attempt();
"""

BACKWARD = """
DROP TRIGGER jobs_job_attempt ON jobs_job;
DROP FUNCTION jobs_check_attempt();
DROP TRIGGER jobs_job_transition ON jobs_job;
DROP FUNCTION jobs_check_transition();
DROP TABLE jobs_transition;
"""


class Migration(migrations.Migration):
    """The trigger behind `webapp.jobs.states.TRANSITIONS`."""

    dependencies = [("jobs", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
