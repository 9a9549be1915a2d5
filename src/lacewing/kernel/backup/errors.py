from lacewing.kernel.errors import Conflict, Malformed


class NotABackup(Malformed):
    code = "not-a-backup"
    title = "This file is no backup of Lacewing, or it is cut off or was changed."


class WrongPassphrase(Malformed):
    code = "wrong-passphrase"
    title = "The passphrase does not open this backup."


class KeysMissing(Conflict):
    code = "keys-missing"
    title = "The keys of this Lacewing are not here: without them a backup is worth nothing."


class BackupTooNew(Malformed):
    code = "backup-too-new"
    title = "A newer program wrote this backup: restore it with that one."


class NotRestorable(Conflict):
    code = "not-restorable"
    title = "This backup can't be restored here as things stand; nothing was changed."
