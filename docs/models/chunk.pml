/* G1, G2, G3, G5, G7: one chunk with its backup, its removals, and another program that edits its file. Models
 * src/storage/commit.cc, recovery.cc, chunk_store.cc (heal, base_of), journal.cc, and the calls to them in
 * src/engine/engine_stage.cc (set_bases), engine_commit.cc (sync_by_journal, settle) and engine_core.cc (attach, detach).
 *
 * The user stages texts and removals, and lets the journal acknowledge them. The other program puts another file
 * in the place of the chunk's, writes into it, or removes it. It syncs nothing, and comes at any time but between
 * the engine's last look at the file and the renames that follow. The engine commits and heals. It ends by
 * detach, by a kill or by a power cut, which may come before every step, also in the recovery.
 *
 *   visible          what programs see          durable           what a power cut leaves for certain
 *   file, backup     inodes that have the name  durable_file, durable_backup   the same, but for what is pending:
 *                                               it survives or not, in each folder for itself
 *   text[i]          what inode i holds         durable_text[i]   the same, but for what is not synced: a power
 *                                               cut leaves the one, the other, or garbage
 *   stamp[i]         the edit in its stamp, 0 when that has another token than the journal; stamp_text[i]: its text
 *   unseen[i]        another program wrote it, and nobody was told
 *   first..last      the records in the journal; old_first..old_last, and same: see power_cut()
 *
 * Edits are numbered from 1; so are the journal's sequences. A removal has the text ABSENT.
 *
 * What is promised are sets of what may be read, of texts: after_kill, after_power_cut. When an edit is staged, a
 * kill leaves nothing but that. When it is acknowledged, so does a power cut, or what came since. What the other
 * program does is added; so is the past that its work may bring back where nothing is left that would tell its
 * age: the backup, and the texts (but no removal) in a journal that was emptied, but not durably. What another
 * program wrote is told when a commit or a read has seen it, or when it is in quarantine.
 *
 * Not in the model: fsyncs of files that fail; more than one change by the other program (the second may hide the
 * first, which is on the disk already); changes of the backup's own file; rot. The journal gets its new file in
 * one step: see commit.pml.
 *
 * Variants that must hold: WITHOUT_STAMPS (a file system without extended attributes), FAULTS (one fsync of a
 * folder fails).
 * Mutations, each of which must violate. Those with a ! are the engine as the model found it; it was mended:
 *     REMOVE_FILE_FIRST      a removal begins with the file, which readers then find in the backup
 *     RENAME_FILE_FIRST      what is there becomes the backup after it was replaced
 *     NO_SYNC_JOURNAL        a removal begins before the journal is durable
 *     NO_SYNC_BACKUPS        chunks_bak/ is not synced before success is told
 *     NO_SYNC_CHUNKS         chunks/ is not synced before success is told
 *     NO_SYNC_HEALED         nor after a heal
 *     NO_DURABLE_RESET       the journal is emptied without an fdatasync after a removal
 *   ! FORGET_REPLACED_REMOVAL  and after a removal that another edit replaced before it was committed
 *     BACKUP_NOT_SYNCED      what another program wrote becomes the backup as it is
 *   ! TRUST_SHARED_BACKUP    the same where a crash inside a rotation has left it under both names
 *     FOUND_IS_DURABLE       an edit that equals what is there is acknowledged without an fsync
 *     PUBLISHED_IS_DURABLE   so is one whose folder could not be synced (with FAULTS)
 *     NO_LAST_LOOK           files are replaced without a look at what has become of them
 *     NO_KEEP_UNSEEN         a removal takes along what another program wrote since
 *     BASE_IS_VISIBLE        the journal acknowledges what stands upon something that is only visible
 *     STAND_UPON_STAGED      an edit stands upon the staged one also when the file was changed since
 *   ! STAND_UPON_OVERTAKING  the same while a commit is replacing that change
 *   ! TRUST_ABSENCE          attach takes for certain that a file that is not there will not come back
 *     NO_SYNC_DEAD_FOLDERS   an attach builds upon renames of a dead owner that are not durable
 *     REPLAY_BLINDLY         recovery does not ask the file how old a record is
 *     IGNORE_BACKUP          recovery takes a removal for done when the file is gone
 *   ! EQUAL_IS_DURABLE       recovery takes an edit for done when the file has its text, whoever wrote that
 */
#ifndef EDITS
#define EDITS 3
#endif
#ifndef ENDS
#define ENDS 2
#endif
#define INODES 7     /* those with a name, and a new one */

#define WHEN(condition, act) if :: condition -> act :: else -> skip fi

/* true for a name that is given with -D */
#define is_defined(name) is_one(name)
#define is_one(value) second_of(comma_for_##value true, false)
#define comma_for_1 0,
#define second_of(...) take_second(__VA_ARGS__, )
#define take_second(one, two, ...) two

/* --- texts. Edits have 0, 1 or 2, another program writes 2 or 3 */
#define ABSENT 0
#define BY_HAND 3
#define GARBAGE 4
#define UNKNOWN 5    /* as a base: whatever is there */
#define set_of(text) (1 << (text))

/* --- edits */
byte edit_text[EDITS + 1];
byte base[EDITS + 1];            /* what its record stands upon */
byte found[EDITS + 1];           /* what the file was when it, or those that it stands upon, were staged */
byte issued;

/* --- files */
byte text[INODES + 1], durable_text[INODES + 1], stamp[INODES + 1], stamp_text[INODES + 1];
bool unseen[INODES + 1];
byte file, durable_file, backup, durable_backup;
byte new_file, new_backup;       /* the temporary files */

/* --- journal */
byte first = 1;                  /* records first to last; none when first > last */
byte last;
byte old_first = 1;              /* what is durable: of this generation when `same`, else of an older one */
byte old_last;
bool same = true;
bool overwritten;                /* records stand where those of the older generation stood */

/* --- memory of the owner */
bool working;                    /* accepts edits */
byte staged;                     /* the newest staged edit; 0: none */
bool acknowledged;               /* it is, by the journal */
bool overtakes;                  /* a commit has found another file than it was staged upon */
byte uncertain;                  /* the newest edit that stands upon what a power cut may change */
bool named;                      /* the chunk's name is known */
bool must_vanish;                /* the journal must be emptied durably */
bool folders_uncertain;          /* their last fsync failed */
bool known, known_ours, known_durable;   /* what this engine knows of the visible file */

/* --- of the commit or heal that is on its way */
byte edit;
bool ok;
bool unchanged;                  /* nothing has to be written */
bool touched;                    /* the other program was there since the first look */
bool renaming;                   /* from the last look to the last rename */
bool backups_touched;
bool folders_failed;

/* --- what is promised */
byte after_kill = 1, after_power_cut = 1;
byte since_staged;               /* what may be found once the staged edit is acknowledged */
byte since_look;                 /* and once the commit or heal has succeeded */
byte vanished;                   /* edits up to here can be in no journal any more */
bool pending;                    /* the other program's change may not be durable */
bool both_written;               /* and is one of an inode with both names */

byte ends;
bool failed;                     /* a folder's fsync has, once */
byte i, k;                       /* of the steps below; 0 between them */

#define with_stamps (!is_defined(WITHOUT_STAMPS))
#define removal (edit_text[edit] == ABSENT)
#define usable(inode) (inode != 0 && text[inode] != GARBAGE)
#define is_good(inode) (stamp_text[inode] != ABSENT && text[inode] == stamp_text[inode])
#define is_synced(inode) (text[inode] == durable_text[inode])
#define may_be_synced (!known_durable && !known_ours)
#define read_from(second) (usable(second) -> text[second] : (file == 0 && second == 0 -> ABSENT : GARBAGE))
#define what_is_read (usable(file) -> text[file] : read_from(backup))

/* --- files */

hidden byte n, number[INODES + 1], new_text[INODES + 1], new_durable_text[INODES + 1], new_stamp[INODES + 1],
            new_stamp_text[INODES + 1], new_unseen[INODES + 1];

inline renumber(name) {
  if
  :: name != 0 && number[name] == 0 ->
    n++;
    number[name] = n;
    new_text[n] = text[name]; new_durable_text[n] = durable_text[name];
    new_stamp[n] = stamp[name]; new_stamp_text[n] = stamp_text[name]; new_unseen[n] = unseen[name]
  :: else -> skip
  fi;
  name = number[name]
}

/* Forgets inodes without a name, and numbers the others by their names: what differs in numbers only is one. */
inline collect() {
  n = 0;
  for (k : 0 .. INODES) {
    number[k] = 0;
    new_text[k] = 0; new_durable_text[k] = 0; new_stamp[k] = 0; new_stamp_text[k] = 0; new_unseen[k] = 0
  };
  renumber(file); renumber(durable_file); renumber(backup); renumber(durable_backup);
  renumber(new_file); renumber(new_backup);
  for (k : 0 .. INODES) {
    text[k] = new_text[k]; durable_text[k] = new_durable_text[k];
    stamp[k] = new_stamp[k]; stamp_text[k] = new_stamp_text[k]; unseen[k] = new_unseen[k]
  };
  k = 0
}

/* After collect() the names have the first inodes. */
inline allocate(inode) {
  inode = 1;
  do
  :: text[inode] != 0 -> inode++
  :: else -> break
  od;
  assert(inode <= INODES)
}

/* What was pending may have become durable meanwhile. */
inline set_file(inode) {
  if
  :: durable_file = file
  :: durable_file != file -> skip
  fi;
  d_step { file = inode; known = false; collect() }
}

inline set_backup(inode) {
  if
  :: durable_backup = backup
  :: durable_backup != backup -> skip
  fi;
  d_step { backup = inode; both_written = false; collect() }
}

inline sync_backups() { durable_backup = backup; collect() }
inline sync_chunks() { durable_file = file; collect() }

/* --- journal */

inline sync_journal() { old_first = first; old_last = last; same = true; overwritten = false }

/* A header of the next generation: what stands behind it is no continuation any more. The device may have
 * taken the old one meanwhile, or not. */
inline reset_journal(durably) {
  if
  :: first <= last ->
    if
    :: sync_journal()
    :: skip
    fi;
    first = last + 1;
    same = false
  :: else -> skip
  fi;
  WHEN(durably, sync_journal())
}

/* Of edits that are in no journal. */
inline forget_edits() {
  for (k : 1 .. issued) {
    WHEN(k < first && k < old_first && k != staged && k != edit,
         edit_text[k] = 0; base[k] = 0; found[k] = 0)
  };
  k = 0
}

/* A new journal with a new token, which no stamp has; with what is still staged, if anything: that stands upon
 * what is durable, and gets the newest number, so that the records have one after the other. */
inline renew_journal() {
  if
  :: staged != 0 ->
    edit_text[issued] = edit_text[staged];
    base[issued] = (known && known_durable -> text[file] : UNKNOWN);
    found[issued] = found[staged];
    staged = issued;
    uncertain = issued;
    first = issued
  :: else -> first = issued + 1
  fi;
  last = issued;
  sync_journal();
  must_vanish = false;
  vanished = 0;
  forget_edits();
  for (k : 1 .. INODES) { stamp[k] = 0 };
  k = 0
}

/* --- the user */

/* base_of() and set_bases(), of the edit that is being issued. Sets i when a power cut may change it. */
inline set_bases() {
  base[issued] = (file == 0 -> (backup != 0 -> UNKNOWN : ABSENT) : (usable(file) -> text[file] : UNKNOWN));
  if
  :: staged != 0 && (is_defined(STAND_UPON_STAGED) ||
                     (!overtakes && (base[issued] == found[staged] || base[issued] == UNKNOWN))) ->
    found[issued] = found[staged];
    base[issued] = edit_text[staged]
  :: else ->
    found[issued] = base[issued];
    i = !((known && known_durable) || (base[issued] == ABSENT && !named) || is_defined(BASE_IS_VISIBLE))
  fi
}

inline stage() {
  issued++;
  if
  :: edit_text[issued] = 1
  :: edit_text[issued] = 2
  :: staged != 0 && edit_text[staged] != ABSENT -> edit_text[issued] = ABSENT
  :: staged == 0 && usable(file) ->   /* remove_chunk() reads it first */
    edit_text[issued] = ABSENT;
    WHEN(!known, known = true; known_ours = false; known_durable = false; unseen[file] = false)
  :: staged == 0 && file != 0 && !usable(file) && !usable(backup) -> edit_text[issued] = ABSENT
  fi;
  d_step {
    set_bases();
    if
    :: staged != 0 && edit_text[issued] == edit_text[staged] && base[issued] == edit_text[issued] ->
      edit_text[issued] = 0; base[issued] = 0; found[issued] = 0;    /* nothing new to keep */
      issued--
    :: else ->
      last = issued;
      overwritten = !same;
      WHEN(i, uncertain = issued);
      WHEN(staged != 0 && edit_text[staged] == ABSENT && !is_defined(FORGET_REPLACED_REMOVAL), must_vanish = true);
      staged = issued;
      acknowledged = false;
      overtakes = false;
      named = named || edit_text[issued] != ABSENT;
      after_kill = set_of(edit_text[issued]);
      after_power_cut = after_power_cut | set_of(edit_text[issued]);
      since_staged = set_of(edit_text[issued]);
      since_look = since_look | set_of(edit_text[issued])
    fi;
    i = 0
  }
}

proctype user() {
end:
  do
  :: atomic { working && issued < EDITS -> stage() }
  :: atomic {
       /* Durability::journal: success after one fdatasync; the files follow. */
       working && staged != 0 && !acknowledged && uncertain == 0 ->
       sync_journal();
       acknowledged = true;
       after_power_cut = since_staged
     }
  od
}

/* --- the other program */

#define may_come_back(what) \
  after_kill = after_kill | (working -> 0 : set_of(what)); \
  after_power_cut = after_power_cut | set_of(what); \
  since_staged = since_staged | set_of(what); \
  since_look = since_look | set_of(what)

/* What is left in a journal that was emptied, of edits after that one. */
inline remains_may_come_back(older) {
  for (k : (old_first < first -> old_first : first) .. last) {
    WHEN(k > older && k > vanished && edit_text[k] != ABSENT, may_come_back(edit_text[k]))
  };
  k = 0
}

/* An edit that is staged or on its way may win over what is read now. What nobody has synced may not be there
 * after a power cut, or be garbage; and with the file its stamp is gone. */
inline promise_change() {
  after_kill = (staged != 0 || edit != 0 || !working -> after_kill : 0) | set_of(what_is_read);
  may_come_back(what_is_read);
  may_come_back(read_from(backup));
  may_come_back(read_from(durable_backup));
  WHEN(both_written, may_come_back(GARBAGE));
  remains_may_come_back(0)
}

proctype other_program() {
  atomic {
    !renaming;
    if
    :: k = 2
    :: k = BY_HAND
    fi;
    if
    :: allocate(i);                                 /* another file in its place */
      text[i] = k;
      durable_text[i] = GARBAGE;
      unseen[i] = true;
      set_file(i)
    :: file != 0 ->                                 /* written in place */
      text[file] = k;
      unseen[file] = !is_good(file);
      both_written = (file == backup || file == durable_backup)   /* a crash inside a rotation leaves that */
    :: file != 0 -> set_file(0)                     /* removed */
    fi;
    d_step {
      promise_change();
      i = 0; k = 0;
      known = false; touched = true; pending = true
    }
  }
}

/* --- how the owner ends */

inline forget_commit() {
  new_file = 0; new_backup = 0; edit = 0; since_look = 0;
  ok = false; unchanged = false; touched = false; renaming = false; backups_touched = false;
  folders_failed = false;
  collect()
}

inline lose_memory() {
  working = false; named = false; must_vanish = false; folders_uncertain = false;
  staged = 0; acknowledged = false; overtakes = false; since_staged = 0; uncertain = 0;
  known = false; known_ours = false; known_durable = false;
  forget_commit()
}

inline power_cut() {
  after_kill = after_power_cut;
  pending = false;
  if :: file = durable_file :: file != durable_file -> durable_file = file fi;
  if :: backup = durable_backup :: backup != durable_backup -> durable_backup = backup fi;
  d_step { collect() };
  for (i : 1 .. INODES) {
    if
    :: is_synced(i) -> skip
    :: !is_synced(i) -> text[i] = durable_text[i]
    :: !is_synced(i) -> text[i] = GARBAGE
    :: !is_synced(i) -> durable_text[i] = text[i]
    fi;
    durable_text[i] = text[i];
    unseen[i] = unseen[i] && text[i] != GARBAGE && !is_good(i)
  };
  i = 0;
  if
  :: same -> k = old_last                             /* those at least, and some that follow */
  :: !same -> k = first - 1                           /* the new header, and some records */
  :: !same ->                                         /* the old one, and what is left behind it */
    first = old_first;
    last = old_last;
    k = (overwritten -> first - 1 : last)
  fi;
  do
  :: k < last -> k++
  :: true -> last = k; break
  od;
  k = 0;
  sync_journal()
}

#define MAY_FAIL (is_defined(FAULTS) && !failed)

#define MAY_END \
  if \
  :: ends < ENDS -> goto crashed \
  :: true -> skip \
  fi

/* --- commit of what is staged. No crash comes before a step that changes nothing on disk: it would be the same */

inline observe() {
  edit = staged;
  ok = true;
  touched = false;
  since_look = set_of(edit_text[edit]);
  WHEN(usable(file) && !known,
       known = true; known_ours = false; known_durable = false; unseen[file] = unseen[file] && removal);
  unchanged = (removal -> file == 0 && backup == 0 :
               usable(file) && text[file] == edit_text[edit] && (known_durable || may_be_synced))
}

inline sync_unchanged() {
  backups_touched = removal;
  ok = removal || file != 0;
  WHEN(!removal && file != 0 && !is_defined(FOUND_IS_DURABLE), durable_text[file] = text[file])
}

/* keep_unseen(), write() and prepare_backup() */
inline prepare() {
  WHEN(removal && usable(file) && !known_ours && text[file] != found[edit] && found[edit] != UNKNOWN &&
       !is_defined(NO_KEEP_UNSEEN), unseen[file] = false);
  if
  :: !removal ->
    allocate(new_file);
    text[new_file] = edit_text[edit];
    durable_text[new_file] = edit_text[edit];
    WHEN(with_stamps, stamp[new_file] = edit; stamp_text[new_file] = edit_text[edit])
  :: else -> skip
  fi;
  if
  :: !removal && usable(file) && (known_durable || !known_ours) && text[file] != edit_text[edit] ->
    WHEN(may_be_synced && !is_defined(BACKUP_NOT_SYNCED) && !(is_defined(TRUST_SHARED_BACKUP) && backup == file),
         durable_text[file] = text[file]);
    WHEN(backup != file, new_backup = file; known = false)
  :: else -> skip
  fi
}

inline rotate() {
  if
  :: new_backup != 0 ->
    assert(text[new_backup] != GARBAGE && is_synced(new_backup));   /* G5 */
    assert(text[new_backup] != edit_text[edit]);
    backups_touched = true;
    set_backup(new_backup);
    new_backup = 0
  :: else -> skip
  fi
}

inline replace_file() {
  WHEN(usable(file) && text[file] != edit_text[edit],
       assert(!unseen[file]);                                       /* G7 */
       /* What this engine has published, but not made durable, is replaced as if it had not been there. */
       assert((known_ours && !known_durable) ||
              (backup != 0 && text[backup] == text[file] && is_synced(backup))));
  set_file(new_file);
  new_file = 0
}

inline remove_backup() { backups_touched = true; set_backup(0) }

/* After a last look: the first rename or removal, and the second one. A kill may come between. */
inline publish_first() {
  renaming = true;
  WHEN(staged == edit && (usable(file) -> text[file] : ABSENT) != found[edit] &&
       !is_defined(STAND_UPON_OVERTAKING), overtakes = true);
  assert(!removal || file == 0 || !unseen[file] || text[file] == found[edit]);     /* G7 */
  if
  :: removal && !is_defined(REMOVE_FILE_FIRST) -> remove_backup()
  :: removal && is_defined(REMOVE_FILE_FIRST) -> set_file(0)
  :: !removal && !is_defined(RENAME_FILE_FIRST) -> rotate()
  :: !removal && is_defined(RENAME_FILE_FIRST) -> replace_file()
  fi;
  assert(!removal || file != 0 || backup == 0)                      /* G2: no reader finds what is older */
}

inline publish_second() {
  if
  :: removal && !is_defined(REMOVE_FILE_FIRST) -> set_file(0)
  :: removal && is_defined(REMOVE_FILE_FIRST) -> remove_backup()
  :: !removal && !is_defined(RENAME_FILE_FIRST) -> replace_file()
  :: !removal && is_defined(RENAME_FILE_FIRST) -> rotate()
  fi;
  WHEN(staged == edit, after_kill = set_of(edit_text[edit]));
  renaming = false
}

/* remember() and account() */
inline remember() {
  known = (unchanged -> known : !removal && !touched);
  known_ours = known && (known_ours || !unchanged);
  known_durable = known && (known_durable || !folders_failed || is_defined(PUBLISHED_IS_DURABLE));
  folders_uncertain = folders_failed
}

inline succeed() {
  WHEN(uncertain <= edit, uncertain = 0);
  WHEN(staged == edit, staged = 0; acknowledged = false; overtakes = false; since_staged = 0;
                       named = named && !removal);
  after_power_cut = since_look;
  pending = touched;
  assert(staged != 0 || (set_of(what_is_read) & after_kill) != 0)
}

inline settle() {
  if
  :: staged == 0 ->
    WHEN(must_vanish, vanished = last);
    reset_journal(must_vanish && !is_defined(NO_DURABLE_RESET));
    must_vanish = false
  :: else -> skip
  fi;
  d_step { forget_commit(); forget_edits() }
}

inline commit() {
  d_step { observe() };
  d_step {
    if
    :: unchanged -> sync_unchanged()
    :: !unchanged && touched -> ok = false
    :: !unchanged && !touched -> prepare()
    fi;
    must_vanish = must_vanish || (ok && (unchanged || removal || !with_stamps))
  };
  atomic { MAY_END; WHEN(ok && must_vanish && !is_defined(NO_SYNC_JOURNAL), sync_journal()) };
  atomic {
    MAY_END;
    ok = ok && (unchanged || !touched || is_defined(NO_LAST_LOOK));
    WHEN(ok && !unchanged, publish_first())
  };
  if
  :: ok ->
    atomic { MAY_END; WHEN(!unchanged, publish_second()) };
    atomic {
      MAY_END;
      if
      :: !backups_touched && !folders_uncertain -> skip
      :: backups_touched || folders_uncertain -> d_step { WHEN(!is_defined(NO_SYNC_BACKUPS), sync_backups()) }
      :: (backups_touched || folders_uncertain) && MAY_FAIL -> failed = true; folders_failed = true
      fi
    };
    atomic {
      MAY_END;
      if
      :: d_step { WHEN(!is_defined(NO_SYNC_CHUNKS), sync_chunks()) }
      :: MAY_FAIL -> failed = true; folders_failed = true
      fi;
      d_step { remember(); WHEN(!folders_failed, succeed()) }
    };
    if
    :: !folders_failed -> atomic { MAY_END; settle() }
    :: else -> d_step { forget_commit() }
    fi
  :: else -> d_step { forget_commit() }   /* all is as it was, and is tried again */
  fi
}

/* --- heal, when somebody reads the chunk */

inline heal() {
  d_step {
    allocate(new_file);
    text[new_file] = text[backup];
    durable_text[new_file] = text[backup];
    WHEN(is_good(backup), stamp[new_file] = stamp[backup]; stamp_text[new_file] = stamp_text[backup]);
    since_look = set_of(text[backup]) | (staged != 0 -> set_of(edit_text[staged]) : 0);
    touched = false
  };
  if
  :: atomic { !touched ->
       WHEN(staged == 0, after_kill = set_of(text[new_file]));
       after_power_cut = after_power_cut | set_of(text[new_file]);
       set_file(new_file);
       new_file = 0
     };
     atomic {
       MAY_END;
       d_step {
         WHEN(!is_defined(NO_SYNC_HEALED), sync_chunks());
         after_power_cut = since_look;
         i = (is_good(backup) -> stamp[backup] : 0);
         remains_may_come_back(i);
         i = 0;
         pending = touched
       }
     }
  :: touched -> skip
  fi;
  d_step { forget_commit() }
}

/* --- attach behind a dead owner */

#define says_itself (stamp[file] != 0)

/* decide_replay() */
inline decide_replay() {
  named = (file != 0);
  ok = false;                     /* does a record know the file's text? */
  for (k : first .. last) {
    ok = ok || base[k] == text[file] || edit_text[k] == text[file] || base[k] == UNKNOWN
  };
  k = 0;
  if
  :: first > last -> skip
  :: first <= last && is_defined(REPLAY_BLINDLY) -> staged = last
  :: else ->
    if
    :: file == 0 ->
      WHEN(edit_text[last] != ABSENT || (backup != 0 && !is_defined(IGNORE_BACKUP)), staged = last)
    :: file != 0 && !usable(file) -> WHEN(stamp[file] <= last, staged = last)
    :: usable(file) && says_itself && stamp[file] >= last -> skip
    :: usable(file) && says_itself && stamp[file] < last && is_good(file) ->
      WHEN(text[file] != edit_text[last], staged = last)
    :: usable(file) && !(says_itself && (stamp[file] >= last || is_good(file))) ->
      if
      :: ok -> WHEN(text[file] != edit_text[last] || !is_defined(EQUAL_IS_DURABLE), staged = last)
      :: else ->                  /* a conflict: the file stays as it is, and the edit is in quarantine */
        after_power_cut = after_power_cut | set_of(durable_text[file]) | set_of(read_from(backup))
      fi
    fi
  fi;
  WHEN(staged != 0, found[staged] = (usable(file) -> text[file] : ABSENT);
                    named = named || edit_text[staged] != ABSENT);
  ok = false
}

inline judge() {
  assert((set_of(what_is_read) & after_kill) != 0);
  assert(backup == 0 || text[backup] != GARBAGE || both_written);     /* G5 */
  after_kill = (staged != 0 -> after_kill | set_of(edit_text[staged]) : set_of(what_is_read));
  after_power_cut = (pending -> after_power_cut | after_kill : after_kill)
}

inline recover() {
  d_step { decide_replay(); sync_journal() };
  atomic { MAY_END; d_step { WHEN(!is_defined(NO_SYNC_DEAD_FOLDERS), sync_backups()) } };
  atomic {
    MAY_END;
    d_step {
      WHEN(!is_defined(NO_SYNC_DEAD_FOLDERS), sync_chunks());
      pending = pending && file != 0 && !is_synced(file)
    }
  };
  WHEN(staged != 0, goto commits)
}

/* --- */

init {
  atomic { run user(); run other_program(); working = true };
works:
end:
  do
  :: staged != 0 -> goto commits
  :: staged == 0 && !usable(file) && usable(backup) -> heal()
  :: atomic { ends < ENDS -> goto crashed }
  :: atomic { ends < ENDS && staged == 0 -> ends++; d_step { lose_memory(); renew_journal() }; goto detached }
  od;
commits:
  commit();
  WHEN(working, goto works);
recovered:
  atomic { MAY_END; d_step { judge(); renew_journal(); working = true } };
  goto works;
detached:
  atomic {
    MAY_END;
    d_step {
      WHEN(!is_defined(TRUST_ABSENCE), sync_chunks());
      named = (file != 0);
      working = true
    }
  };
  goto works;
crashed:
  atomic {
    ends++;
    d_step { lose_memory() };
    if
    :: true -> skip
    :: true -> power_cut()
    fi
  };
  recover();
  goto recovered
}
