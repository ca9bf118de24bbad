from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0015_invitation_notes'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='mails',
            field=models.CharField(choices=[('all', 'All that I am named for'), ('own', 'Only of what I asked for myself'), ('none', 'None')], db_default='all', default='all', max_length=4, verbose_name='news of trainings by mail'),
        ),
        migrations.AlterField(
            model_name='notice',
            name='kind',
            field=models.CharField(choices=[('returned', 'Returned to you'), ('assigned', 'Assigned to you'), ('mentioned', 'You were mentioned'), ('answered', 'Somebody answered'), ('guidelines', 'The guidelines changed'), ('speeds', 'Measuring of times changed'), ('run', 'A training ended'), ('factor', 'Your second factor was removed'), ('evaluation', 'An evaluation ended')], max_length=12),
        ),
    ]
