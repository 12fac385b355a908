/* G9: never two owners. Models src/storage/project_lock.cc, one system call per step:
 *
 *   acquire()       open or create .lock; flock, without waiting; read the text; decide by the text;
 *                   check that the name still leads to the locked file; write our text
 *   release()       the same check, unlink, close
 *   remove_stale()  `safechunk unlock`: open, flock, the same check, unlink
 *   the original    the Python engine of old: takes no kernel lock; creates the file with its text in one
 *                   step when there is none, respects one that is there, unlinks it when it is done
 *
 * Every process may die before each step; the kernel then drops its lock and its open file, and the file
 * stays. Each `atomic` is one step: a system call, with what follows from it in the process alone. Inodes are used again once nobody has them open and no name leads to them, as in reality.
 *
 * Not in the model: what a live owner does with a lock that somebody removed by force
 * (ProjectLock::check_held before each commit), PID reuse (decide_lock has a table of tests), and an
 * original engine between creating its file and writing its text.
 *
 * Mutations, each of which must violate:
 *   NO_KERNEL_LOCK            flock is taken for granted
 *   NO_SAME_FILE_CHECK        acquire() trusts the file that it locked
 *   CHECK_BEFORE_DECISION     the check comes before the look at the original's process
 *   IGNORE_TEXT               a live original engine is not respected
 *   NO_CHECK_IN_REMOVE_STALE  `unlock` removes whatever has the name by now
 *   UNLINK_AFTER_CLOSE        release() gives the kernel lock back before it removes the file
 */
#ifndef CONTENDERS
#define CONTENDERS 2
#endif
#define INODES (CONTENDERS + 3)

mtype = { no_text, our_text, original_text };

byte name;                     /* the inode that .lock leads to; 0: none */
byte holder[INODES + 1];       /* who has the kernel lock of an inode; 0: nobody */
byte opened[INODES + 1];       /* how many processes have it open */
mtype text[INODES + 1] = no_text;
bool original_lives;
byte owners;

inline allocate(inode) {
  inode = 1;
  do
  :: inode == name || opened[inode] > 0 -> inode++
  :: else -> break
  od;
  assert(inode <= INODES);
  text[inode] = no_text
}

/* An inode that nobody can reach has no contents. */
inline forget(inode) {
  if
  :: opened[inode] == 0 && name != inode -> text[inode] = no_text
  :: else -> skip
  fi
}

/* close(2), by choice or by death: the kernel lock goes with it. Ends each life of a process. */
inline close_file() {
  if
  :: file != 0 ->
    opened[file]--;
    if
    :: holder[file] == _pid -> holder[file] = 0
    :: else -> skip
    fi;
    forget(file);
    file = 0
  :: else -> skip
  fi;
  found = no_text;
  alive = false
}

#define DIES atomic { close_file(); goto again }
#define GIVE_UP close_file(); goto again

/* The text of a file cannot change while we have its lock, so it is read in the same step. */
inline lock_and_read() {
  if
#ifdef NO_KERNEL_LOCK
  :: true -> holder[file] = _pid; found = text[file]
#else
  :: holder[file] == 0 -> holder[file] = _pid; found = text[file]
  :: else -> GIVE_UP
#endif
  fi
}

inline check_same_file() {
  if
  :: name == file -> skip
  :: else -> GIVE_UP
  fi
}

proctype Contender() {
  byte file = 0;
  mtype found = no_text;
  bool alive = false;
again:
  atomic {
    if
    :: name == 0 -> allocate(file); name = file
    :: else -> file = name
    fi;
    opened[file]++
  }
  if
  :: DIES
  :: atomic { true -> lock_and_read() }
  fi;
#ifdef CHECK_BEFORE_DECISION
  if
  :: DIES
  :: atomic { true -> check_same_file() }
  fi;
#endif
  if
  :: DIES
  :: atomic {
       alive = (found == original_text && original_lives);
#ifdef IGNORE_TEXT
       alive = false;
#endif
       if
       :: alive -> GIVE_UP
       :: else -> skip
       fi
     }
  fi;
#if !defined(NO_SAME_FILE_CHECK) && !defined(CHECK_BEFORE_DECISION)
  if
  :: DIES
  :: atomic { true -> check_same_file() }
  fi;
#endif
  if
  :: DIES
  :: atomic {
       text[file] = our_text;
       owners++;
       assert(owners == 1)
     }
  fi;
  /* It owns the project, until it dies or lets go. */
  if
  :: atomic { owners--; close_file(); goto again }
  :: atomic { owners--; check_same_file() }
  fi;
#ifdef UNLINK_AFTER_CLOSE
  atomic {
    holder[file] = 0
  }
#endif
  if
  :: DIES
  :: name = 0
  fi;
  DIES  /* which is all that close() does */
}

proctype RemoveStale() {
  byte file = 0;
  mtype found = no_text;
  bool alive = false;
again:
  atomic {
    name != 0;
    file = name;
    opened[file]++
  }
  if
  :: DIES
  :: atomic { true -> lock_and_read() }
  fi;
  if
  :: DIES
  :: atomic {
       alive = (found == original_text && original_lives);
       if
       :: alive -> GIVE_UP
       :: else -> skip
       fi
     }
  fi;
#ifndef NO_CHECK_IN_REMOVE_STALE
  if
  :: DIES
  :: atomic { true -> check_same_file() }
  fi;
#endif
  if
  :: DIES
  :: name = 0
  fi;
  DIES
}

proctype Original() {
  byte file = 0;
  do
  :: atomic {
       name == 0 ->
       original_lives = true;
       allocate(file);
       name = file;
       text[file] = original_text;
       owners++;
       assert(owners == 1)
     };
     if
     :: atomic { owners--; name = 0; forget(file); file = 0 };  /* it still lives for a while */
        original_lives = false
     :: atomic { owners--; original_lives = false; file = 0 }   /* it dies, and leaves its file */
     fi
  od
}

init {
  byte i;
  atomic {
    for (i : 1 .. CONTENDERS) { run Contender() }
#ifndef NO_REMOVE_STALE
    run RemoveStale();
#endif
#ifndef NO_ORIGINAL
    run Original()
#endif
  }
}
