/* G1, G2, G3, G4: an edit's way from staging to its file, with crashes. Models src/storage/commit.cc,
 * journal.cc, recovery.cc and the calls to them in src/engine/engine_core.cc, engine_stage.cc and
 * engine_commit.cc.
 *
 * Two chunks. An edit writes one of them, or both together; edits are numbered 1 to EDITS. A file is the
 * edit that wrote it: its text, and the sequence and token in its stamp. Texts are few, so that an edit
 * can lead back to what was there before.
 *
 *   visible     what programs see                     durable      what a power cut leaves for certain
 *   file[c]     the edit under the chunk's name       durable[c]   the same, but for a rename that is pending
 *   intact[c]   its bytes were fsynced                both folder models: each pending rename survives or not
 *   first..last the records in the journal            old_first..old_last, and same: see power_cut()
 *
 * A crash may come before every step. It kills the process (nothing is lost but its memory) or cuts the
 * power. Recovery may crash in turn. Whatever is found in the end must be the state after some first
 * edits, both chunks alike: not fewer than were acknowledged, and not fewer than were staged when only
 * processes died.
 *
 * Variants that must hold: WITHOUT_STAMPS (a file system without extended attributes).
 * Mutations, each of which must violate:
 *   NO_FSYNC_TEMP         a file is renamed before its bytes are durable
 *   NO_SYNC_JOURNAL       a set of files is renamed before the journal is durable
 *   NO_SYNC_ACKNOWLEDGED  Durability::journal acknowledges without fdatasync
 *   NO_SYNC_FOLDER        the folder is not synced before success is told and the journal is emptied
 *   EMPTY_JOURNAL_EARLY   the journal is emptied before the folder is synced
 *   NO_DURABLE_RESET      the journal is emptied without an fdatasync where files cannot tell their age
 *   NO_NEW_TOKEN          an attach goes on with the sequences of a dead owner
 *   NO_SYNC_NEW_JOURNAL   the name of the journal's new file is not made durable
 *   NO_SYNC_DEAD_FOLDERS  an attach builds upon renames of a dead owner that are not durable
 *   NO_SYNC_DEAD_JOURNAL  an attach builds upon records of a dead owner that are not durable
 *   REPLAY_BLINDLY        recovery does not ask the stamps how old a record is
 *   FORGET_GROUP          recovery takes of a set of edits only the first
 */
#ifndef EDITS
#define EDITS 3
#endif
#ifndef CRASHES
#define CRASHES 2
#endif
#define SPOILED 99   /* the edit that a file of garbage came from */

/* --- edits; 0 is what both files hold in the beginning */
byte mask[EDITS + 1];            /* 1: chunk 0, 2: chunk 1, 3: both */
byte text[EDITS + 1];
byte sequence[EDITS + 1];        /* of its record */
byte base0[EDITS + 1];           /* the text that it was staged upon, of each chunk */
byte base1[EDITS + 1];
byte issued;

/* --- files: the edit they came from, and the stamp that they got by it */
byte file[2];
byte durable[2];
byte file_token[2];
byte file_sequence[2];
byte durable_token[2];
byte durable_sequence[2];
bool intact[2] = true;

/* --- journal */
byte token = 1;
byte last_sequence;
byte first = 1;                  /* records first to last; none when first > last */
byte last;
byte old_first = 1;              /* what is durable: of this generation when `same`, else of an older one */
byte old_last;
bool same = true;
bool overwritten;                /* records stand where those of the older generation stood */
bool renewing;                   /* the new file has the name, but the folder is not synced */

/* --- memory of the owner */
byte staged[2];                  /* the newest staged edit of a chunk; 0: none */
bool must_vanish;

/* --- what was promised */
byte began;                      /* edits up to here are the past: what this owner found, durably */
byte found_text[2];
byte promised;                   /* edits that must survive a power cut */
byte kept;                       /* edits that must survive the processes' deaths so far */
byte crashes;

byte c, k, t0, t1, changes;       /* of the steps below; 0 between them */
bool ok;

#define text_of(edit) (edit == SPOILED -> 255 : text[edit])

inline append(edit) {
  last_sequence++;
  sequence[edit] = last_sequence;
  last = edit;
  overwritten = !same
}

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

inline sync_folder() {
  for (c : 0 .. 1) {
    durable[c] = file[c];
    durable_token[c] = file_token[c];
    durable_sequence[c] = file_sequence[c]
  }
}

inline stage() {
  d_step {
    issued++;
    base0[issued] = (staged[0] != 0 -> text[staged[0]] : text[file[0]]);
    base1[issued] = (staged[1] != 0 -> text[staged[1]] : text[file[1]])
  }
  if
  :: mask[issued] = 1
  :: mask[issued] = 2
  :: mask[issued] = 3
  fi;
  if
  :: text[issued] = 0
  :: text[issued] = 1
  fi;
  d_step {
    append(issued);
    if :: mask[issued] != 2 -> staged[0] = issued :: else -> skip fi;
    if :: mask[issued] != 1 -> staged[1] = issued :: else -> skip fi;
    kept = issued
  }
}

/* --- crashes */

inline kill() {
  d_step {
    crashes++;
    staged[0] = 0;
    staged[1] = 0
  }
}

inline power_cut() {
  crashes++;
  kept = promised;
  staged[0] = 0;
  staged[1] = 0;
  c = 0;
  do
  :: c < 2 ->
    if
    :: true ->
      file[c] = durable[c];
      file_token[c] = durable_token[c];
      file_sequence[c] = durable_sequence[c]
    :: true ->
      if
      :: !intact[c] && file[c] != durable[c] -> file[c] = SPOILED
      :: else -> skip
      fi;
      durable[c] = file[c];
      durable_token[c] = file_token[c];
      durable_sequence[c] = file_sequence[c]
    fi;
    intact[c] = true;
    c++
  :: else -> break
  od;
  c = 0;
  /* The journal. Its new file was durable before it got the name. */
  if
  :: renewing -> power_cut_while_renewing()
  :: else ->
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
    od
  fi;
  k = 0;
  sync_journal()
}

byte dead_token;                  /* of the journal that is being replaced, and what it holds */
byte dead_first;
byte dead_last;

inline power_cut_while_renewing() {
  if
  :: true ->
    token = dead_token;
    first = dead_first;
    last = dead_last
  :: true -> skip
  fi;
  renewing = false
}

#define MAY_CRASH \
  if \
  :: crashes < CRASHES -> goto crashed \
  :: true -> skip \
  fi

/* --- commit of what is staged; afterwards `ok` says whether there was anything */

byte edit_of[2];                  /* the snapshot: which edit each chunk is to get */
bool changed[2];
byte acknowledge;

inline observe() {
  d_step {
    acknowledge = (working -> issued : promised);
    changes = 0;
    for (c : 0 .. 1) {
      edit_of[c] = staged[c];
      changed[c] = false;
      if
      :: edit_of[c] != 0 ->
        changed[c] = (text_of(file[c]) != text[edit_of[c]]);
        changes = changes + changed[c];
        must_vanish = must_vanish || !changed[c]
      :: else -> skip
      fi
    };
#ifdef WITHOUT_STAMPS
    must_vanish = true;
#endif
    c = 0
  }
}

inline rename(chunk) {
  file[chunk] = edit_of[chunk];
  file_token[chunk] = token;
  file_sequence[chunk] = sequence[edit_of[chunk]];
#ifdef NO_FSYNC_TEMP
  intact[chunk] = false
#else
  intact[chunk] = true
#endif
}

inline drop_committed() {
  for (c : 0 .. 1) {
    if
    :: edit_of[c] != 0 && staged[c] == edit_of[c] -> staged[c] = 0
    :: else -> skip
    fi
  };
  c = 0
}

inline commit() {
  observe();
  MAY_CRASH;
  if
  :: changes > 1 || must_vanish ->
#ifndef NO_SYNC_JOURNAL
    d_step { sync_journal() };
    MAY_CRASH
#else
    skip
#endif
  :: else -> skip
  fi;
  if
  :: changed[0] -> d_step { rename(0) }; MAY_CRASH
  :: else -> skip
  fi;
  if
  :: changed[1] -> d_step { rename(1) }; MAY_CRASH
  :: else -> skip
  fi;
  /* Another thread may have staged meanwhile: then the journal is not emptied. */
  if
  :: working && issued < EDITS -> stage()
  :: true -> skip
  fi;
#ifdef EMPTY_JOURNAL_EARLY
  atomic { reset_journal(must_vanish) };
  MAY_CRASH;
#endif
#ifndef NO_SYNC_FOLDER
  d_step { sync_folder(); c = 0 };
#endif
  d_step {
    drop_committed();
    if
    :: acknowledge > promised -> promised = acknowledge
    :: else -> skip
    fi
  };
  MAY_CRASH;
  if
  :: staged[0] == 0 && staged[1] == 0 ->
#ifdef NO_DURABLE_RESET
    must_vanish = false;
#endif
    atomic { reset_journal(must_vanish) };
    must_vanish = false
  :: else -> skip
  fi
}

/* --- recovery */

#ifdef WITHOUT_STAMPS
#define says_itself(chunk) false
#else
#define says_itself(chunk) (file_token[chunk] == token)
#endif

#define base_of(record, chunk) (chunk == 0 -> base0[record] : base1[record])

/* decide_replay(): the records of chunk c, judged by the file. Sets staged[c]. */
inline replay(chunk, member) {
  t0 = 0;                         /* the last record of the chunk */
  ok = false;                     /* does a record know the file's text? */
  for (k : first .. last) {
    if
    :: (mask[k] & member) != 0 ->
      t0 = k;
      if
      :: base_of(k, chunk) == text_of(file[chunk]) || text[k] == text_of(file[chunk]) -> ok = true
      :: else -> skip
      fi
    :: else -> skip
    fi
  };
  if
  :: t0 == 0 -> skip
#ifdef REPLAY_BLINDLY
  :: t0 != 0 -> staged[chunk] = t0
#else
  :: t0 != 0 && says_itself(chunk) ->
    if
    :: sequence[t0] > file_sequence[chunk] && text[t0] != text[file[chunk]] -> staged[chunk] = t0
    :: else -> skip
    fi
  :: t0 != 0 && !says_itself(chunk) ->
    if
    :: ok && text[t0] != text_of(file[chunk]) -> staged[chunk] = t0
    :: else -> skip               /* a conflict: the file stays */
    fi
#endif
  fi;
  t0 = 0;
  ok = false;
  k = 0
}

inline recover() {
  d_step {
    assert(file[0] != SPOILED && file[1] != SPOILED);    /* G2 */
    last_sequence = (first <= last -> sequence[last] : 0);
    must_vanish = false;
    replay(0, 1);
    replay(1, 2);
#ifdef FORGET_GROUP
    if
    :: staged[0] != 0 && staged[0] == staged[1] -> staged[1] = 0
    :: else -> skip
    fi;
#endif
    skip
  };
  MAY_CRASH;
#ifndef NO_SYNC_DEAD_JOURNAL
  d_step { sync_journal() };
  MAY_CRASH;
#endif
#ifndef NO_SYNC_DEAD_FOLDERS
  d_step { sync_folder(); c = 0 };
  MAY_CRASH;
#endif
  if
  :: staged[0] != 0 || staged[1] != 0 -> commit()
  :: else -> atomic { reset_journal(must_vanish) }
  fi;
  MAY_CRASH
}

/* What is found must be the state after some first edits, not fewer than `kept`. */
inline judge() {
  t0 = found_text[0];
  t1 = found_text[1];
  k = began;
  ok = false;
  do
  :: k > began ->
    if :: mask[k] != 2 -> t0 = text[k] :: else -> skip fi;
    if :: mask[k] != 1 -> t1 = text[k] :: else -> skip fi;
    ok = ok || (k >= kept && t0 == text[file[0]] && t1 == text[file[1]]);
    if :: k == issued -> break :: else -> k++ fi
  :: k == began ->
    ok = (k >= kept && t0 == text[file[0]] && t1 == text[file[1]]);
    if :: k == issued -> break :: else -> k++ fi
  od;
  assert(ok);
  ok = false;
  t0 = 0;
  t1 = 0;
  k = 0
}

/* --- */

bool working;                     /* false while recovering */

init {
works:
  working = true;
  do
  :: issued < EDITS -> atomic { stage() }; MAY_CRASH
  :: staged[0] != 0 || staged[1] != 0 -> commit(); MAY_CRASH
  :: (staged[0] != 0 || staged[1] != 0) && promised < issued ->
    /* Durability::journal: success after one fdatasync; the files follow. */
#ifndef NO_SYNC_ACKNOWLEDGED
    d_step { sync_journal() };
#endif
    promised = issued;
    MAY_CRASH
  :: crashes < CRASHES -> goto crashed
  :: issued == EDITS && staged[0] == 0 && staged[1] == 0 -> goto done
  od;
crashed:
  working = false;
  if
  :: kill()
  :: atomic { power_cut() }
  fi;
  recover();
  /* The journal gets a new file and a new token, so that a sequence is not used twice. */
#ifndef NO_NEW_TOKEN
  d_step {
    dead_token = token;
    dead_first = (same -> first : old_first);
    dead_last = (same -> last : old_last);
    renewing = true;
    token++;
    first = issued + 1;
    last = issued
  };
  MAY_CRASH;
#ifndef NO_SYNC_NEW_JOURNAL
  d_step { renewing = false; sync_journal() };
#endif
#endif
  d_step {
    judge();
    began = issued;
    found_text[0] = text[file[0]];
    found_text[1] = text[file[1]];
    promised = issued;
    kept = issued;
    first = issued + 1;
    last = issued;
    working = true
  };
  goto works;
done:
  skip;
  d_step { kept = issued; judge() }
}
