from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jobs", "0002_transitions")]

    operations = [
        migrations.AddField(
            model_name="jobinput",
            name="checkpoint",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
    ]
