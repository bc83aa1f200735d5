"""Compared groups over data sets or policies are called by their names: `dataset = Detours`."""

import re

from django.db import migrations

MAX_LABEL = 160
BY_ID = re.compile(r"\b(dataset|policy)_id = (\d+)")


def name_sources(apps, schema_editor):
    """Put names in the place of ids; a label that would become too long stays."""
    names = {
        "dataset": {
            pk: name if version == 1 else f"{name} v{version}"
            for pk, name, version in apps.get_model("datasets", "Dataset").objects.values_list(
                "pk", "name", "version"
            )
        },
        "policy": dict(apps.get_model("policies", "Policy").objects.values_list("pk", "name")),
    }

    def named(found):
        kind, pk = found.group(1), int(found.group(2))
        return f"{kind} = {names[kind][pk]}" if pk in names[kind] else found.group(0)

    runs = apps.get_model("experiments", "Run").objects.filter(label__regex=r"_id = \d+")
    for run in runs:
        label = BY_ID.sub(named, run.label)
        if label != run.label and len(label) <= MAX_LABEL:
            run.label = label
            run.save(update_fields=["label"])


class Migration(migrations.Migration):
    dependencies = [
        ("experiments", "0001_initial"),
        ("datasets", "0001_initial"),
        ("policies", "0002_checkpoint"),
    ]

    operations = [migrations.RunPython(name_sources, migrations.RunPython.noop)]
