from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0012_mail_servers'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='mails',
            field=models.CharField(choices=[('all', 'All that I am named for'), ('own', 'Only of what I asked for myself'), ('none', 'None')], db_default='all', default='all', max_length=4, verbose_name='news of trainings by mail'),
        ),
    ]
