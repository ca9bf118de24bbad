from django.db import migrations, models

import core.models.webhooks


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0016_mails_wanted'),
    ]

    operations = [
        migrations.AlterField(
            model_name='webhook',
            name='secret',
            field=models.CharField(default=core.models.webhooks.new_secret, max_length=255),
        ),
    ]
