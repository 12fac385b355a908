/* G1, G3, G7: edits of parts of one chunk in the journal. Models Project::set_bases, apply_parts and renew_journal,
 * decide_replay() (src/storage/journal/replay.cc) and Planning::apply_parts (src/storage/project/replay_plan.cc).
 * What a commit does to the disk in detail, backups and removals are the business of chunk.pml.
 *
 * The user stages whole texts and edits of parts, and lets the journal acknowledge them. An edit of a part is in the
 * journal as the operation, the digest of the text that it is based on, and the digest of its result. The engine
 * commits: it publishes the file with a stamp, syncs the folder, and empties the journal. Another program replaces
 * the file, or writes into it, once and at any time; it syncs nothing. The owner ends by a kill or by a power cut,
 * which may come before every step, also in the recovery. The recovery decides by the whole chain of edits whether
 * the file is to be replaced, and makes the text by applying the chain's edits of parts to the version that they
 * are based on, or reports a conflict.
 *
 * A text has two parts, a and b, each of them 0, 1 or 2. An edit of a part adds 1 to one of them (2 becomes 0), so
 * that it gives another result for every other base, also when it is applied twice. A digest is the text itself.
 *
 * Properties, as assertions:
 *   - an edit of a part is applied to no text but that for which it was made
 *   - no edit that was acknowledged (by the journal or by a commit; for a kill: by staging) is lost without a word:
 *     the file has it or what replaced it, or it is replayed, or a conflict is reported
 *   - a conflict keeps the file, and the edit in quarantine
 *   - nobody hears of a conflict when no other program was there since the edit was staged
 *   - a recovery that is killed and begun again comes to the same text
 *   - a recovery never replaces what is newer
 *
 * Variants that must hold: REFUSALS (the journal refuses one edit, which is in memory only then), BOTH_PARTS (edits of
 * b, too; without it of a only).
 * Mutations, each of which must violate:
 *   NO_BASE_CHECK          the chain is applied to the file, whatever that holds
 *   NO_RESULT_CHECK        the digest of the result is not compared. It is the only one that tells that an edit was
 *                          made for another program's version, which a power cut has taken away, when a whole text of
 *                          the engine comes before it in the journal
 *   PART_UPON_UNSEEN       the journal gets the part also when the file has changed while it was staged
 *   PART_UPON_MEMORY       the journal gets the part of a text that it has refused before (with REFUSALS)
 *   REWRITE_AS_PART        a new journal gets the part, and not its result
 *   BASE_IS_VISIBLE        the journal acknowledges an edit whose base a power cut may change
 *   OVERTAKEN_IS_DURABLE   the same while a commit replaces what another program has written
 *   ONLY_THE_LAST          the recovery applies the last edit, and not those before it
 *   APPLY_AGAIN            the recovery applies an edit to the file that has its result
 *   IGNORE_STAMP           the recovery does not ask the file how old a record is
 *   CONFLICT_DROPS_EDIT    a conflict keeps the file only
 *   CONFLICT_DROPS_FILE    a conflict keeps the edit only
 *   CUT_EARLY              the journal is emptied though an edit came during the commit
 *   CUT_BETWEEN            or between the look at the base of an edit and its record (journal_mutex_ is not held)
 *   NO_SYNC_JOURNAL        the journal acknowledges without an fsync
 *   NO_SYNC_FOLDER         success is told, and the journal emptied, without an fsync of the folder
 *
 * Not in the model: file systems without stamps, more than one change by the other program, files that are damaged
 * (chunk.pml); edits that cannot be used (JournalReplay tests); sets of several chunks (commit.pml).
 */
#ifndef EDITS
#define EDITS 3
#endif
#ifndef ENDS
#define ENDS 2
#endif

#define WHEN(condition, act) if :: condition -> act :: else -> skip fi

/* true for a name that is given with -D */
#define is_defined(name) is_one(name)
#define is_one(value) second_of(comma_for_##value true, false)
#define comma_for_1 0,
#define second_of(...) take_second(__VA_ARGS__, )
#define take_second(one, two, ...) two

/* --- texts: 1 + a + 3 * b */
#define ABSENT 0
#define EMPTY 1                  /* {}, of a chunk that is not there */
#define WHOLE 5                  /* the whole text that the user puts */
#define UNKNOWN 255              /* as a base: whatever is there */
#define add_to_a(text) ((text) % 3 == 0 -> (text) - 2 : (text) + 1)
#define add_to_b(text) ((text) > 6 -> (text) - 6 : (text) + 3)
#define at_least_empty(text) ((text) == ABSENT -> EMPTY : (text))
#define applied(what, text) \
  (what == PART_A -> add_to_a(at_least_empty(text)) : add_to_b(at_least_empty(text)))

/* --- edits; their numbers are the sequences of the journal */
#define NOTHING 0                /* the journal has refused it, or it never was */
#define PUT 1
#define PART_A 2
#define PART_B 3
byte kind[EDITS + 1];            /* as it is in the journal */
byte base[EDITS + 1], result[EDITS + 1];
byte found[EDITS + 1];           /* the file when it, or those that it is based on, were staged */
byte made_for[EDITS + 1];        /* the text that the user's edit changed */
byte issued;
#define is_part(number) (kind[number] > PUT)

/* --- the file; durable_...: what a power cut leaves for certain */
byte file, durable_file;
byte stamp, durable_stamp;       /* the edit in its stamp; 0: none of this journal's token */
byte stamp_text, durable_stamp_text;
byte reached, durable_reached;   /* the newest edit that is in the file, or that another program has replaced */
bool theirs, durable_theirs;     /* another program wrote it */

/* --- journal: records first to last, as in chunk.pml */
byte first = 1, last;
byte old_first = 1, old_last;    /* what is durable: of this generation when `same`, else of an older one */
bool same = true;
bool overwritten;                /* records stand where those of the older generation stood */

/* --- memory of the owner */
bool working;                    /* accepts edits */
byte staged;                     /* the newest pending edit; 0: none */
bool journaled;                  /* the journal has it */
bool overtakes;                  /* a commit has replaced another file than it was staged upon */
byte uncertain;                  /* the newest edit whose base a power cut may change */
bool known_durable;              /* the visible file is durable, and this engine knows it */
bool looking;                    /* an edit is being staged: set_bases() has looked at the file */
byte look_base, look_found;
bool look_durable;
byte edit;                       /* of the commit that runs */
bool touched;                    /* the other program was there since the commit's first look */

/* --- what is promised */
byte promised;                   /* the newest edit that a kill must not lose */
byte acknowledged;               /* the newest edit that a power cut must not lose */
byte reported;                   /* edits up to here were in a conflict that was reported */
byte changed_at;                 /* the edit that was made, or the newest, when the other program was there; 0: before all */
byte began;                      /* the first of the pending edits */
bool again;                      /* a recovery was killed, and nothing has happened since */
byte again_text;

byte ends;
bool cut;                        /* there was a power cut since the last recovery was done */
bool refused;                    /* the journal has refused an edit, once */
byte i, n, text;                 /* of the steps below; 0 between them */
byte outcome;
#define LEAVE 0
#define STAGE 1
#define CONFLICT 2
bool known;

/* --- the disk */

inline sync_journal() { old_first = first; old_last = last; same = true; overwritten = false }

inline sync_folder() {
  durable_file = file; durable_stamp = stamp; durable_stamp_text = stamp_text;
  durable_reached = reached; durable_theirs = theirs
}

/* What was pending may have become durable before the next change. */
inline may_be_written() {
  if
  :: sync_folder()
  :: skip
  fi
}

/* Of edits that are in no journal. */
inline forget_edits() {
  for (i : 1 .. issued) {
    WHEN(i < first && i < old_first && i != staged && i != edit,
         kind[i] = 0; base[i] = 0; result[i] = 0; found[i] = 0; made_for[i] = 0)
  };
  i = 0
}

/* The header of the next generation; the device may have taken the old one meanwhile, or not. */
inline empty_journal() {
  if
  :: first <= last ->
    if
    :: sync_journal()
    :: skip
    fi;
    first = issued + 1;
    last = issued;
    same = false
  :: else -> skip
  fi
}

inline power_cut() {
  if
  :: sync_folder()
  :: file = durable_file; stamp = durable_stamp; stamp_text = durable_stamp_text;
     reached = durable_reached; theirs = durable_theirs
  fi;
  if
  :: same -> i = old_last                             /* those at least, and some that follow */
  :: !same -> i = first - 1                           /* the new header, and some records */
  :: !same ->                                         /* the old one, and what is left behind it */
    first = old_first;
    last = old_last;
    i = (overwritten -> first - 1 : last)
  fi;
  do
  :: i < last -> i++
  :: true -> last = i; break
  od;
  i = 0;
  sync_journal()
}

/* --- the user */

/* set_bases(). What follows may see another file. */
inline look() {
  looking = true;
  look_durable = known_durable || file == ABSENT || is_defined(BASE_IS_VISIBLE);
  if
  :: staged != 0 && journaled && file == found[staged] ->
    look_base = result[staged];
    look_found = found[staged];
    look_durable = true
  :: else ->
    look_base = file;
    look_found = file
  fi;
  look_durable = look_durable && (!overtakes || is_defined(OVERTAKEN_IS_DURABLE));
  WHEN(staged == 0, began = issued + 1)
}

/* accept_record() behind it. */
inline accept() {
  issued++;
  made_for[issued] = (staged != 0 -> result[staged] : file);
  base[issued] = look_base;
  found[issued] = look_found;
  if
  :: kind[issued] = PUT
  :: kind[issued] = PART_A
  :: is_defined(BOTH_PARTS) -> kind[issued] = PART_B
  fi;
  d_step {
    result[issued] = (is_part(issued) -> applied(kind[issued], made_for[issued]) : WHOLE);
    if
    :: is_part(issued) && staged != 0 && (journaled || is_defined(PART_UPON_MEMORY)) ->
      base[issued] = result[staged];
      found[issued] = found[staged]
    :: is_part(issued) && !(staged != 0 && (journaled || is_defined(PART_UPON_MEMORY))) ->
      /* Its base is in memory only, or it is not what the journal would say: the whole result. */
      WHEN((staged != 0 || base[issued] != file) && !is_defined(PART_UPON_UNSEEN), kind[issued] = PUT)
    :: !is_part(issued) -> skip
    fi;
    overwritten = !same
  };
  if
  :: journaled = true; promised = issued
  :: is_defined(REFUSALS) && !refused -> refused = true; journaled = false; kind[issued] = NOTHING
  fi;
  d_step {
    last = issued;
    staged = issued;
    WHEN(!look_durable, uncertain = issued);
    looking = false; look_base = 0; look_found = 0; look_durable = false
  }
}

proctype user() {
end:
  do
  :: atomic { working && issued < EDITS && !looking -> d_step { look() } }
  :: atomic { working && looking -> accept() }
  :: atomic {
       working && staged > acknowledged && journaled && uncertain == 0 ->
       d_step { WHEN(!is_defined(NO_SYNC_JOURNAL), sync_journal()); acknowledged = staged }
     }
  od
}

/* --- the other program. What it writes may be what an edit comes to, or what it was made for. */

proctype other_program() {
  atomic {
    if
    :: text = 9
    :: text = 2
    fi;
    may_be_written();
    if
    :: stamp = 0; stamp_text = 0                      /* another file in its place */
    :: file != ABSENT -> skip                         /* written in place: the stamp stays */
    fi;
    d_step {
      file = text;
      text = 0;
      theirs = true;
      touched = true; again = false; again_text = 0;
      changed_at = issued + (looking -> 1 : 0);
      known_durable = false
    }
  }
}

/* --- how the owner ends */

inline lose_memory() {
  working = false; staged = 0; journaled = false; overtakes = false; uncertain = 0; known_durable = false;
  looking = false; look_base = 0; look_found = 0; look_durable = false;
  edit = 0; touched = false
}

#define MAY_END \
  if \
  :: ends < ENDS -> goto crashed \
  :: true -> skip \
  fi

/* --- commit */

inline publish() {
  if
  :: !touched ->
    may_be_written();
    d_step {
      WHEN(staged == edit && file != found[edit], overtakes = true);
      file = result[edit];
      stamp = edit; stamp_text = result[edit];
      reached = edit;
      theirs = false;
      known_durable = false
    }
  :: else -> edit = 0
  fi
}

inline succeed() {
  WHEN(!is_defined(NO_SYNC_FOLDER), sync_folder());
  known_durable = !touched;
  WHEN(edit > acknowledged, acknowledged = edit);
  WHEN(edit > promised, promised = edit);
  WHEN(uncertain <= edit, uncertain = 0);
  WHEN(staged == edit, staged = 0; journaled = false; overtakes = false);
  edit = 0
}

inline commit() {
  d_step { edit = staged; touched = false };
  atomic { MAY_END; publish() };
  if
  :: edit != 0 ->
    atomic { MAY_END; d_step { succeed() } };
    atomic {
      MAY_END;
      WHEN((staged == 0 || is_defined(CUT_EARLY)) && (!looking || is_defined(CUT_BETWEEN)), empty_journal());
      d_step { forget_edits() }
    }
  :: else -> skip                                     /* the file was changed: it is tried again */
  fi;
  d_step { touched = false }
}

/* --- recovery */

/* The newest edit in the journal, in n. */
inline find_last() {
  n = last;
  do
  :: n >= first && kind[n] == NOTHING -> n--
  :: else -> break
  od;
  WHEN(n < first, n = 0)
}

inline find_known() {
  known = false;
  for (i : first .. last) {
    known = known || (kind[i] != NOTHING && (base[i] == file || result[i] == file || base[i] == UNKNOWN))
  };
  i = 0
}

#define says_itself (stamp != 0 && !is_defined(IGNORE_STAMP))

/* decide_replay(). An equal text is staged, too: it may not be durable. */
inline decide() {
  find_known();
  if
  :: n == 0 -> outcome = LEAVE
  :: n != 0 && file == ABSENT -> outcome = STAGE
  :: n != 0 && file != ABSENT && says_itself && file == stamp_text ->
    outcome = (stamp < n && result[n] != file -> STAGE : LEAVE)
  :: n != 0 && file != ABSENT && says_itself && file != stamp_text && stamp >= n -> outcome = LEAVE
  :: n != 0 && file != ABSENT && !(says_itself && (file == stamp_text || stamp >= n)) ->
    outcome = (result[n] == file || known -> STAGE : CONFLICT)
  fi
}

/* Where the chain begins, in i, and the text there. i == 0: its base is not there. */
inline find_base() {
  i = n;
  text = file;
  do
  :: i < first -> i = 0; break
  :: i >= first && kind[i] == NOTHING -> i--
  :: i >= first && kind[i] == PUT -> text = result[i]; i++; break
  :: i >= first && is_part(i) && base[i] == file && !is_defined(NO_BASE_CHECK) -> break
  :: i >= first && is_part(i) && base[i] != file && result[i] == file && !is_defined(NO_BASE_CHECK) ->
    WHEN(!is_defined(APPLY_AGAIN), i++);
    break
  :: i >= first && is_part(i) && is_defined(NO_BASE_CHECK) && (i == first || kind[i - 1] == PUT) ->
    WHEN(i > first, text = result[i - 1]);
    break
  :: else ->
    if
    :: is_defined(ONLY_THE_LAST) -> break
    :: else -> i--
    fi
  od
}

/* Planning::apply_parts() */
inline apply_parts() {
  find_base();
  WHEN(i == 0, outcome = CONFLICT);
  do
  :: i == 0 || i > n -> break
  :: else ->
    if
    :: kind[i] == NOTHING -> i++
    :: kind[i] != NOTHING && applied(kind[i], text) != result[i] && !is_defined(NO_RESULT_CHECK) ->
      outcome = CONFLICT;
      i = 0
    :: else ->
      assert(text == made_for[i]);                    /* it was made for this text */
      text = applied(kind[i], text);
      i++
    fi
  od;
  i = 0
}

/* What is lost by the end of the owner; in a kill nothing. */
inline settle_promises() {
  WHEN(cut, promised = (n > acknowledged -> n : acknowledged))
}

inline judge() {
  if
  :: outcome == LEAVE ->          /* an equal text counts, whoever wrote it */
    assert(promised <= reported || reached >= promised || (n >= promised && result[n] == file))
  :: outcome == STAGE ->
    assert(text == result[n]);
    assert(promised <= reported || n >= promised || reached >= promised);
    assert(theirs || n >= reached)                    /* what is newer stays */
  :: outcome == CONFLICT ->
    assert(promised <= reported || n >= promised || reached >= promised);
    /* After a power cut the base of an edit that was not acknowledged may be gone. */
    assert(n <= acknowledged -> changed_at >= n : (changed_at >= began || cut))
  fi;
  assert(!again || again_text == (outcome == STAGE -> text : file))
}

inline replay() {
  find_last();
  settle_promises();
  decide();
  text = (outcome == STAGE -> result[n] : file);
  WHEN(outcome != LEAVE && is_part(n), text = file; apply_parts());
  judge();
  again = true;
  again_text = (outcome == STAGE -> text : file);
  if
  :: outcome == STAGE ->
    staged = n;
    journaled = true;
    found[n] = file;
    /* What came behind it was replaced by the other program, whose text is the one that n is based on. */
    WHEN(theirs && n < promised, promised = n; acknowledged = n)
  :: outcome == CONFLICT ->
    /* The file stays as it is, and what the edit comes to, or the edit itself, is in quarantine. */
    WHEN(is_defined(CONFLICT_DROPS_FILE), file = result[n]);
    assert(file == again_text);
    WHEN(!is_defined(CONFLICT_DROPS_EDIT), reported = n);
    assert(reported == n)
  :: outcome == LEAVE -> skip
  fi;
  outcome = 0; known = false; n = 0; text = 0
}

/* A new journal with a new token, which no stamp has. What is still pending is in it as a whole text, under the
 * newest number, and is based on what is durable. */
inline renew_journal() {
  first = issued + 1;
  if
  :: staged != 0 ->
    first = issued;
    kind[issued] = (is_defined(REWRITE_AS_PART) -> kind[staged] : PUT);
    base[issued] = (is_defined(REWRITE_AS_PART) -> base[staged] : UNKNOWN);
    result[issued] = result[staged];
    found[issued] = found[staged];
    made_for[issued] = made_for[staged];
    WHEN(acknowledged >= staged, acknowledged = issued);
    WHEN(promised >= staged, promised = issued);
    staged = issued;
    uncertain = issued;
    changed_at = 0
  :: else ->
    reached = promised;
    durable_reached = promised
  fi;
  last = issued;
  sync_journal();
  stamp = 0; stamp_text = 0; durable_stamp = 0; durable_stamp_text = 0;
  again = false; again_text = 0;
  cut = false;
  forget_edits()
}

/* --- */

init {
  atomic { run user(); run other_program(); working = true };
works:
end:
  do
  :: staged != 0 -> goto commits
  :: atomic { ends < ENDS -> goto crashed }
  od;
commits:
  commit();
  WHEN(working, goto works);
recovered:
  atomic { MAY_END; d_step { renew_journal(); working = true } };
  goto works;
crashed:
  atomic {
    ends++;
    d_step { lose_memory() };
    if
    :: true -> skip
    :: cut = true; again = false; again_text = 0; power_cut()
    fi;
    d_step { replay() }
  };
  atomic { MAY_END; d_step { sync_journal(); sync_folder() } };
  WHEN(staged != 0, goto commits);
  goto recovered
}
