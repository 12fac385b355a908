/* G1, G2, G3, G5, G7: one chunk, its backup, its removal, and another program that edits its file. Models
 * src/storage/commit.cc, recovery.cc, chunk_store.cc (heal, base_of), journal.cc, and src/engine/engine_write.cc
 * (set_bases, sync_by_journal, settle) and engine_core.cc (attach, detach).
 *
 * Three processes. The user stages texts and removals and lets the journal acknowledge them. The other program
 * replaces the file by another one, writes into it, or removes it; it syncs nothing, and keeps away only between
 * the engine's last look at the file and its renames. The engine commits, heals, and ends: by detach, by a kill,
 * or by a power cut, before every step, also in the recovery.
 *
 *   file, backup       the inodes that have the two names; 0: none
 *   durable_file, ...  the same as a power cut leaves it for certain. Each folder's pending operations survive or
 *                      not, independently of the other's; an older one may have been written any time
 *   text[i]            what inode i holds; durable_text[i] differs while it is not synced, and a power cut then
 *                      leaves the one, the other or garbage
 *   stamp[i]           the edit in the inode's stamp, stamp_token[i] the token in it; 0: no stamp
 *   unseen[i]          it holds what another program wrote, and nobody was told
 *   new_file, new_backup  the temporary files; a crash takes their names
 *
 * Edits are numbered from 1 and have texts, ABSENT for a removal. The number is the sequence of the record. In
 * the journal are the records first..last; old_first..old_last, and same: see power_cut().
 *
 * What is promised is kept as sets of what may be found: after_kill, after_power_cut. Whoever stages an edit may
 * find after a kill nothing but that one; once an edit is acknowledged, a power cut leaves that one, what was
 * staged since, or what another program did since. Found is what is read: where there is no usable file, that is
 * the backup, from which the file is healed.
 *
 * Variants that must hold: WITHOUT_STAMPS (a file system without extended attributes).
 * Mutations, each of which must violate:
 */
#ifndef EDITS
#define EDITS 3
#endif
#ifndef HANDS
#define HANDS 1
#endif
#ifndef ENDS
#define ENDS 2
#endif
#define INODES 7     /* as many as can be in use, and a new one */

/* --- texts. Edits have one of the first three, another program writes 2 or 3 */
#define ABSENT 0
#define BY_HAND 3
#define GARBAGE 4
#define UNKNOWN 5    /* of a base: whatever is there */
#define set_of(text) (1 << (text))

/* --- edits */
byte edit_text[EDITS + 1];
byte base[EDITS + 1];            /* what its record stands upon */
byte found[EDITS + 1];           /* what was in the file when it was staged */
byte issued;

/* --- files */
byte text[INODES + 1];
byte durable_text[INODES + 1];
byte stamp[INODES + 1];
byte stamp_text[INODES + 1];
bool unseen[INODES + 1];
byte file;
byte durable_file;
byte backup;
byte durable_backup;
byte new_file;
byte new_backup;

/* --- journal */
byte first = 1;                  /* records first to last; none when first > last */
byte last;
byte old_first = 1;              /* what is durable: of this generation when `same`, else of an older one */
byte old_last;
bool same = true;
bool overwritten;                /* records stand where those of the older generation stood */

/* --- memory of the owner */
bool working;                    /* takes edits */
byte staged;                     /* the newest staged edit; 0: none */
bool acknowledged;               /* by the journal */
bool overtakes;                  /* a commit found something else than what that edit was staged upon */
byte uncertain;                  /* the newest edit staged upon what a power cut may change */
bool named;                      /* has heard of the chunk */
bool must_vanish;
bool known;                      /* has judged or written what has the file's name */
bool known_ours;
bool known_durable;

/* --- of the commit or heal that is on its way */
byte edit;
bool unchanged;
bool touched;                    /* another program was there since the first look */
bool renaming;                   /* between the last look and the last rename */
bool backups_touched;
bool ok;

/* --- what was promised */
byte after_kill = 1;             /* sets of texts: nothing is there in the beginning */
byte after_power_cut = 1;
byte since_staged;               /* what may be found once the staged edit is acknowledged */
byte since_look;                 /* and once the commit or heal has ended */
byte vanished;                   /* edits up to here are in no journal any more, whatever happens */
bool both_written;               /* by another program, in place: file and backup are one inode */
bool pending;                    /* another program's change that nobody has synced */

byte ends;
byte hands;
byte i, k;                       /* of the steps below; 0 between them */

#ifdef WITHOUT_STAMPS
#define with_stamps false
#else
#define with_stamps true
#endif

#define is_good(inode) (stamp_text[inode] != ABSENT && text[inode] == stamp_text[inode])
#define usable(inode) (inode != 0 && text[inode] != GARBAGE)
#define read_without_file(second) \
  (usable(second) -> text[second] : (file == 0 && second == 0 -> ABSENT : GARBAGE))
#define what_is_read (usable(file) -> text[file] : read_without_file(backup))

/* --- files */

#define in_use(inode) \
  (inode == file || inode == durable_file || inode == backup || inode == durable_backup || \
   inode == new_file || inode == new_backup)

hidden byte number[INODES + 1];
hidden byte new_text[INODES + 1];
hidden byte new_durable_text[INODES + 1];
hidden byte new_stamp[INODES + 1];
hidden byte new_stamp_text[INODES + 1];
hidden byte new_unseen[INODES + 1];
hidden byte n;

inline renumber(name) {
  if
  :: name != 0 && number[name] == 0 ->
    n++;
    number[name] = n;
    new_text[n] = text[name];
    new_durable_text[n] = durable_text[name];
    new_stamp[n] = stamp[name];
    new_stamp_text[n] = stamp_text[name];
    new_unseen[n] = unseen[name]
  :: else -> skip
  fi;
  name = number[name]
}

/* Forgets what has no name any more, and numbers the other inodes by their names: states that differ by numbers
 * only are one. */
inline collect() {
  for (k : 1 .. INODES) {
    number[k] = 0;
    new_text[k] = 0;
    new_durable_text[k] = 0;
    new_stamp[k] = 0;
    new_stamp_text[k] = 0;
    new_unseen[k] = false
  };
  n = 0;
  renumber(file);
  renumber(durable_file);
  renumber(backup);
  renumber(durable_backup);
  renumber(new_file);
  renumber(new_backup);
  for (k : 1 .. INODES) {
    text[k] = new_text[k];
    durable_text[k] = new_durable_text[k];
    stamp[k] = new_stamp[k];
    stamp_text[k] = new_stamp_text[k];
    unseen[k] = new_unseen[k]
  };
  k = 0;
  n = 0
}

/* Edits that no journal has, nor memory. */
inline forget_edits() {
  for (k : 1 .. issued) {
    if
    :: k < first && k < old_first && k != staged && k != edit ->
      edit_text[k] = 0;
      base[k] = 0;
      found[k] = 0
    :: else -> skip
    fi
  };
  k = 0
}

/* A new token: no stamp can be compared with the journal any more. */
inline forget_stamps() {
  for (k : 1 .. INODES) {
    stamp[k] = 0
  };
  k = 0
}

/* The next free inode, in i. */
inline allocate() {
  i = 1;
  do
  :: in_use(i) -> i++
  :: else -> break
  od;
  assert(i <= INODES)
}

inline set_file(inode) {
  if
  :: durable_file != file -> durable_file = file
  :: true -> skip
  fi;
  d_step { file = inode; known = false; collect() }
}

inline set_backup(inode) {
  if
  :: durable_backup != backup -> durable_backup = backup
  :: true -> skip
  fi;
  d_step { backup = inode; both_written = false; collect() }
}

inline sync_backups() { durable_backup = backup; collect() }
inline sync_chunks() { durable_file = file; collect() }

/* --- journal */

inline sync_journal() {
  old_first = first;
  old_last = last;
  same = true;
  overwritten = false
}

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
  if
  :: durably -> sync_journal()
  :: else -> skip
  fi
}

/* --- the user */

/* base_of() and set_bases() */
inline set_bases() {
  i = true;             /* is it what a power cut leaves? */
  base[issued] = (file == 0 -> (backup != 0 -> UNKNOWN : ABSENT) : text[file]);
  if :: base[issued] == GARBAGE -> base[issued] = UNKNOWN :: else -> skip fi;
  if
  :: staged != 0 && !overtakes && (base[issued] == found[staged] || base[issued] == UNKNOWN) ->
    found[issued] = found[staged];
    base[issued] = edit_text[staged]
  :: else ->
    found[issued] = base[issued];
    if
    :: known && known_durable -> skip
    :: base[issued] == ABSENT && !named -> skip
    :: else -> i = false
    fi
  fi
}

inline note_first_sight() {
  if
  :: !known -> known = true; known_ours = false; known_durable = false; unseen[file] = false
  :: else -> skip
  fi
}

inline stage() {
  issued++;
  if
  :: edit_text[issued] = 1
  :: edit_text[issued] = 2
  :: staged != 0 && edit_text[staged] != ABSENT -> edit_text[issued] = ABSENT
  :: staged == 0 && usable(file) -> edit_text[issued] = ABSENT; note_first_sight()
  :: staged == 0 && file != 0 && text[file] == GARBAGE && backup == 0 -> edit_text[issued] = ABSENT
  fi;
  d_step {
    set_bases();
    if
    :: staged != 0 && edit_text[issued] == edit_text[staged] && base[issued] == edit_text[issued] ->
      /* Nothing new to keep. */
      edit_text[issued] = 0;
      base[issued] = 0;
      found[issued] = 0;
      issued--
    :: else ->
      last = issued;
      overwritten = !same;
      staged = issued;
      acknowledged = false;
      overtakes = false;
      if :: !i -> uncertain = issued :: else -> skip fi;
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
  after_kill = after_kill | (working -> 0 : (what)); \
  after_power_cut = after_power_cut | (what); \
  since_staged = since_staged | (what); \
  since_look = since_look | (what)

inline may_be_found(what) {
  if
  :: staged != 0 || edit != 0 || !working -> after_kill = after_kill | set_of(what)
  :: else -> after_kill = set_of(what)
  fi;
  may_come_back(set_of(what))
}

/* What is left in a journal that was emptied, of edits after that one. */
inline remains_may_be_found(older) {
  for (k : (old_first < first -> old_first : first) .. last) {
    if
    :: k > older && k > vanished -> may_come_back(set_of(edit_text[k]))
    :: else -> skip
    fi
  };
  k = 0
}

/* After a power cut a file that nobody has synced may be garbage, or not be there: then it is healed, or rebuilt
 * from what is left of a journal that was emptied, as far as that goes. The stamp that would tell how old that is
 * is gone with the file. */
inline file_may_be_lost() {
  may_come_back(set_of(read_without_file(backup)));
  may_come_back(set_of(read_without_file(durable_backup)));
  remains_may_be_found(0)
}

inline choose_text() {
  if
  :: k = 2
  :: k = BY_HAND
  fi
}

proctype other_program() {
  do
  :: hands == HANDS -> break
  :: atomic {
       !renaming && hands < HANDS ->
       hands++;
       if
       :: allocate();                                 /* another file in its place */
          choose_text();
          text[i] = k;
          durable_text[i] = GARBAGE;
          unseen[i] = true;
          may_be_found(k);
          k = 0;
          set_file(i);
          file_may_be_lost()
       :: file != 0 ->                                /* written in place */
          choose_text();
          if
          :: durable_text[file] != text[file] -> durable_text[file] = text[file]
          :: true -> skip
          fi;
          text[file] = k;
          unseen[file] = !is_good(file);
          if
          :: file == backup || file == durable_backup ->  /* of a crash inside a rotation */
            both_written = true;
            may_be_found(GARBAGE)
          :: else -> skip
          fi;
          may_be_found(k);
          k = 0;
          file_may_be_lost()
       :: file != 0 ->                                /* removed */
          set_file(0);
          k = what_is_read;
          may_be_found(k);
          k = 0;
          file_may_be_lost()
       fi;
       i = 0;
       known = false;
       touched = true;
       pending = true
     }
  od
}

/* --- the ends of the owner */

inline lose_memory() {
  working = false;
  staged = 0;
  acknowledged = false;
  overtakes = false;
  uncertain = 0;
  named = false;
  must_vanish = false;
  known = false;
  known_ours = false;
  known_durable = false;
  since_staged = 0;
  forget_commit();
  collect()
}

inline power_cut() {
  after_kill = after_power_cut;
  pending = false;
  if :: file = durable_file :: file != durable_file -> durable_file = file fi;
  if :: backup = durable_backup :: backup != durable_backup -> durable_backup = backup fi;
  d_step { collect() };
  i = 1;
  do
  :: i <= INODES && text[i] != durable_text[i] ->
    if
    :: text[i] = durable_text[i]
    :: text[i] = GARBAGE
    :: true -> skip
    fi;
    durable_text[i] = text[i];
    if :: text[i] == GARBAGE || is_good(i) -> unseen[i] = false :: else -> skip fi;
    i++
  :: i <= INODES && text[i] == durable_text[i] -> i++
  :: i > INODES -> break
  od;
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

#define MAY_END \
  if \
  :: ends < ENDS -> goto crashed \
  :: true -> skip \
  fi

/* --- commit of what is staged; afterwards `ok` says whether it succeeded */

#define may_be_synced (!known_durable && !known_ours)

inline observe() {
  edit = staged;
  touched = false;
  ok = true;
  since_look = set_of(edit_text[edit]);
  if
  :: usable(file) && !known ->
    known = true;
    known_ours = false;
    known_durable = false;
    if :: edit_text[edit] != ABSENT -> unseen[file] = false :: else -> skip fi
  :: else -> skip
  fi;
  if
  :: edit_text[edit] == ABSENT -> unchanged = (file == 0 && backup == 0)
  :: else -> unchanged = (usable(file) && text[file] == edit_text[edit] && (known_durable || may_be_synced))
  fi
}

inline forget_commit() {
  new_file = 0;
  new_backup = 0;
  edit = 0;
  unchanged = false;
  touched = false;
  renaming = false;
  backups_touched = false;
  ok = false;
  since_look = 0
}

inline prepare() {
  /* keep_damaged, keep_unseen */
  if
  :: usable(file) && edit_text[edit] == ABSENT && !known_ours && text[file] != found[edit] &&
     found[edit] != UNKNOWN -> unseen[file] = false
  :: else -> skip
  fi;
  if
  :: edit_text[edit] != ABSENT ->
    allocate();
    new_file = i;
    text[i] = edit_text[edit];
    durable_text[i] = edit_text[edit];
    if :: with_stamps -> stamp[i] = edit; stamp_text[i] = edit_text[edit] :: else -> skip fi;
    i = 0
  :: else -> skip
  fi
}

inline prepare_backup() {
  if
  :: edit_text[edit] != ABSENT && usable(file) && (known_durable || !known_ours) &&
     text[file] != edit_text[edit] ->
    if
    :: may_be_synced -> durable_text[file] = text[file]
    :: else -> skip
    fi;
    if
    :: backup != file -> new_backup = file; known = false
    :: else -> skip
    fi
  :: else -> skip
  fi
}

/* After a last look: what another program wrote since the first one must not be replaced. */
inline publish_backup() {
  renaming = true;
#ifndef STAND_UPON_OVERTAKING
  if
  :: staged == edit && (usable(file) -> text[file] : ABSENT) != found[edit] -> overtakes = true
  :: else -> skip
  fi;
#endif
  if
  :: edit_text[edit] == ABSENT -> set_backup(0); backups_touched = true
  :: edit_text[edit] != ABSENT && new_backup != 0 ->
    assert(text[new_backup] != GARBAGE && text[new_backup] == durable_text[new_backup]);     /* G5 */
    assert(text[new_backup] != edit_text[edit]);
    set_backup(new_backup);
    new_backup = 0;
    backups_touched = true
  :: else -> skip
  fi
}

inline publish_file() {
  /* G7: nobody's work is replaced unseen, nor without being kept. */
  if
  :: usable(file) && unseen[file] -> assert(edit_text[edit] == ABSENT && text[file] == found[edit])
  :: else -> skip
  fi;
  if
  :: edit_text[edit] != ABSENT && usable(file) && text[file] != edit_text[edit] ->
    assert(backup != 0 && text[backup] == text[file] && durable_text[backup] == text[file])  /* G5 */
  :: else -> skip
  fi;
  if :: staged == edit -> after_kill = set_of(edit_text[edit]) :: else -> skip fi;
  set_file(new_file);
  new_file = 0;
  renaming = false
}

inline succeed() {
  if
  :: edit_text[edit] == ABSENT || touched -> known = false
  :: else -> known = true; known_ours = known_ours || !unchanged; known_durable = true
  fi;
  if
  :: staged == edit ->
    staged = 0;
    acknowledged = false;
    overtakes = false;
    since_staged = 0;
    if :: edit_text[edit] == ABSENT -> named = false :: else -> skip fi
  :: else -> skip
  fi;
  if :: uncertain <= edit -> uncertain = 0 :: else -> skip fi;
  after_power_cut = since_look;
  pending = touched;
  assert(staged != 0 || (set_of(what_is_read) & after_kill) != 0)
}

inline settle() {
  if
  :: staged == 0 ->
    if :: must_vanish -> vanished = last :: else -> skip fi;
#ifdef NO_DURABLE_RESET
    must_vanish = false;
#endif
    reset_journal(must_vanish);
    must_vanish = false
  :: else -> skip
  fi;
  d_step { forget_commit(); forget_edits() }
}

inline commit() {
  d_step { observe() };
  atomic {
    if
    :: unchanged && edit_text[edit] == ABSENT -> backups_touched = true
    :: unchanged && edit_text[edit] != ABSENT && file == 0 -> ok = false
    :: unchanged && edit_text[edit] != ABSENT && file != 0 -> durable_text[file] = text[file]
    :: !unchanged && touched -> ok = false
    :: !unchanged && !touched -> d_step { prepare(); prepare_backup() }
    fi;
    if
    :: ok && (unchanged || edit_text[edit] == ABSENT || !with_stamps) -> must_vanish = true
    :: else -> skip
    fi
  };
  atomic {
    MAY_END;
    if
    :: ok && must_vanish -> sync_journal()
    :: else -> skip
    fi
  };
  atomic {
    MAY_END;
    if
    :: ok && !unchanged && touched -> ok = false
    :: ok && !unchanged && !touched -> publish_backup()
    :: else -> skip
    fi
  };
  if
  :: ok ->
    atomic {
      MAY_END;
      if
      :: !unchanged -> publish_file()
      :: else -> skip
      fi
    };
    atomic {
      MAY_END;
      if
      :: backups_touched -> d_step { sync_backups() }
      :: else -> skip
      fi
    };
    atomic { MAY_END; d_step { sync_chunks(); succeed() } };
    atomic { MAY_END; settle() }
  :: else -> d_step { forget_commit(); collect() }
  fi
}

/* --- heal, of a chunk that somebody reads */

#define heals (staged == 0 && !usable(file) && usable(backup))

inline heal() {
  d_step {
    allocate();
    new_file = i;
    i = 0;
    text[new_file] = text[backup];
    durable_text[new_file] = text[backup];
    if
    :: is_good(backup) -> stamp[new_file] = stamp[backup]; stamp_text[new_file] = stamp_text[backup]
    :: else -> skip
    fi;
    since_look = set_of(text[backup]) | (staged != 0 -> set_of(edit_text[staged]) : 0);
    touched = false
  };
  if
  :: atomic { !touched ->
       if :: staged == 0 -> after_kill = set_of(text[new_file]) :: else -> skip fi;
       after_power_cut = after_power_cut | set_of(text[new_file]);
       set_file(new_file);
       new_file = 0
     };
     atomic {
       MAY_END;
       d_step {
         sync_chunks();
         after_power_cut = since_look;
         remains_may_be_found(stamp[file]);
         pending = touched
       }
     }
  :: touched -> skip
  fi;
  d_step { forget_commit(); collect() }
}

/* --- attach */

#define says_itself (stamp[file] != 0)

/* decide_replay() */
inline decide_replay() {
  named = (file != 0);
  ok = false;                     /* does a record know the file's text? */
  for (k : first .. last) {
    ok = ok || base[k] == text[file] || edit_text[k] == text[file] || base[k] == UNKNOWN
  };
  if
  :: first > last -> skip
#ifdef REPLAY_BLINDLY
  :: first <= last -> staged = last
#else
  :: first <= last && file == 0 ->
    if
    :: edit_text[last] == ABSENT && backup == 0 -> skip
    :: else -> staged = last
    fi
  :: first <= last && file != 0 && says_itself && is_good(file) ->
    if
    :: stamp[file] < last && edit_text[last] != text[file] -> staged = last
    :: else -> skip
    fi
  :: first <= last && file != 0 && !(says_itself && is_good(file)) ->
    if
    :: text[file] == GARBAGE ->
      if
      :: says_itself && last < stamp[file] -> skip
      :: else -> staged = last
      fi
    :: text[file] != GARBAGE && says_itself && stamp[file] >= last -> skip
    :: text[file] != GARBAGE && !(says_itself && stamp[file] >= last) ->
      if
#ifdef EQUAL_IS_DURABLE
      :: text[file] == edit_text[last] -> skip
#endif
      :: ok -> staged = last
      :: else ->
        /* A conflict: the file stays, and the edit is in quarantine. */
        after_power_cut =
          after_power_cut | set_of(durable_text[file]) | set_of(read_without_file(backup))
      fi
    fi
#endif
  fi;
  if
  :: staged != 0 ->
    found[staged] = (usable(file) -> text[file] : ABSENT);
    named = named || edit_text[staged] != ABSENT
  :: else -> skip
  fi;
  ok = false;
  k = 0
}

inline judge() {
  assert((set_of(what_is_read) & after_kill) != 0);
  assert(backup == 0 || text[backup] != GARBAGE || both_written);     /* G5 */
  if
  :: staged == 0 -> after_kill = set_of(what_is_read)
  :: else -> after_kill = after_kill | set_of(edit_text[staged])
  fi;
  if
  :: pending -> after_power_cut = after_power_cut | after_kill
  :: else -> after_power_cut = after_kill
  fi
}

inline renew_journal() {
  forget_stamps();
  if
  :: staged != 0 ->
    uncertain = staged;
    base[staged] = (known && known_durable -> text[file] : UNKNOWN);
    first = staged;
    last = staged
  :: else ->
    first = issued + 1;
    last = issued
  fi;
  must_vanish = false;
  sync_journal();
  vanished = 0;
  forget_edits()
}

inline recover() {
  d_step { decide_replay(); sync_journal() };
  atomic {
    MAY_END;
#ifndef NO_SYNC_DEAD_FOLDERS
    d_step { sync_backups() }
#endif
  };
  atomic {
    MAY_END;
    d_step {
#ifndef NO_SYNC_DEAD_FOLDERS
      sync_chunks();
#endif
      if :: file == 0 || text[file] == durable_text[file] -> pending = false :: else -> skip fi
    }
  };
  if
  :: staged != 0 -> commit()
  :: else -> skip
  fi;
  /* The journal gets a new file and a new token: see commit.pml. */
  atomic { MAY_END; d_step { renew_journal(); judge(); working = true } }
}

/* --- */

init {
  atomic { run user(); run other_program(); working = true };
works:
end:
  do
  :: staged != 0 -> commit()
  :: heals -> heal()
  :: atomic { ends < ENDS -> goto crashed }
  :: atomic { ends < ENDS && staged == 0 ->
       ends++;
       d_step { lose_memory(); first = issued + 1; last = issued; sync_journal(); vanished = 0; forget_edits() };
       goto detached
     }
  od;
detached:
  atomic {
    MAY_END;
    d_step {
#ifndef TRUST_ABSENCE
      sync_chunks();
#endif
      forget_stamps();
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
  goto works
}
