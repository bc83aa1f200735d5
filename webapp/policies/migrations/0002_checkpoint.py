from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("policies", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="policy",
            name="checkpoint",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
    ]
