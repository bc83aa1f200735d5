"""Generation and training in one job: settings and schedules, pure; the loop is in `training`."""
