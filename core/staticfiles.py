from whitenoise.storage import CompressedManifestStaticFilesStorage


class ModuleAwareStorage(CompressedManifestStaticFilesStorage):
    """Hashed names for files named in templates, and for the imports inside our ES modules too."""

    support_js_module_import_aggregation = True
    manifest_strict = True
